/** What a row says about its run, in the words of the pages. */
import type { Row, Run } from './api/types'
import { time } from './format'

export type State = 'ok' | 'error' | 'running' | 'cancelled' | 'truncated' | 'waiting' | 'orphan' | 'inside'

export const RUN_TYPES = ['chain', 'llm', 'prompt', 'parser', 'tool', 'retriever', 'embedding'] as const

export const typeOf = (type: string | undefined): string =>
  RUN_TYPES.includes(type as never) ? (type as string) : type === 'chat_model' ? 'llm' : 'chain'

export function stateOf(row: Row): State {
  if (row.status === 'truncated' || (row.truncated && row.status === 'success')) return 'truncated'
  if (row.status === 'cancelled' || row.status === 'interrupted') return 'cancelled'
  if (row.error) return /^cancell?ed\b/i.test(row.error) ? 'cancelled' : 'error'
  if (row.status === 'error' || row.status === 'panicked') return 'error'
  if (row.end_time || row.status === 'success') return 'ok'
  return 'running'
}

export const failed = (row: Row) => stateOf(row) === 'error'
export const running = (row: Row) => stateOf(row) === 'running'

export function latency(row: Row, now: number): number | null {
  const start = time(row.start_time)
  if (start == null) return null
  const end = time(row.end_time)
  if (end != null) return Math.max(0, end - start)
  return running(row) ? Math.max(0, now - start) : null
}

export function firstToken(row: Row): number | null {
  const start = time(row.start_time)
  const first = time(row.first_token_time)
  return start == null || first == null ? null : Math.max(0, first - start)
}

/** What a tag of a composition says of a run's place: `map:key:context` → context, `retry:attempt:2` → attempt 2. */
export function place(row: Row): string {
  for (const tag of row.tags ?? []) {
    const [kind, what, ...rest] = tag.split(':')
    if (kind === 'map' && what === 'key') return rest.join(':')
    if (kind === 'retry' && what === 'attempt') return `attempt ${rest.join(':')}`
    if (kind === 'branch' || kind === 'condition') return tag.replace(':', ' ')
    if (kind === 'fallback') return tag.replace(':', ' ')
  }
  return ''
}

/** Beside the name in the tree: the place, else the model. */
export const label = (row: Row): string => place(row) || row.model || ''

/** `OutputParserException: expected …` → its kind and its message. */
export function errorParts(error: string | null | undefined): { kind: string; message: string; stack: string } {
  const text = (error ?? '').trim()
  const end = text.indexOf('\n')
  const first = end < 0 ? text : text.slice(0, end)
  const found = /^([A-Za-z_][\w.:]{0,80}?)(?:\((.*)\)|:\s+(.*))$/s.exec(first)
  const kind = found && !/\s/.test(found[1]) ? found[1] : 'Error'
  const message = found ? (found[2] ?? found[3] ?? '').replace(/^(['"])(.*)\1,?$/s, '$2') : first
  return { kind, message: message || first, stack: end < 0 ? '' : text.slice(end + 1).replace(/\s+$/, '') }
}

export function modelOf(run: Run): string {
  const meta = run.extra?.metadata ?? {}
  const params = (run.extra as { invocation_params?: Record<string, unknown> } | null | undefined)?.invocation_params ?? {}
  return String(run.model ?? meta.ls_model_name ?? params.model ?? params.model_name ?? '')
}

/** Tags that only tell the place of a run in a composition are shown there and not again. */
export const ownTags = (row: Row) => (row.tags ?? []).filter((t) => !/^(seq:step|map:key|retry:attempt|branch|condition|fallback):/.test(t))

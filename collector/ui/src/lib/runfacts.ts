/** Lists that the run pane shows: entries of nested data, steps of a stream, attempts of a retry. */
import type { Run } from './api/types'
import { count, durationText, time } from './format'
import { place, stateOf } from './run'
import type { Node } from './tree/build'

/** Nested data as dotted names and text; long lists stay JSON. */
export function flat(value: unknown, prefix = '', most = 400): [string, string][] {
  const found: [string, string][] = []
  const open: [string, unknown][] = [[prefix, value]]
  while (open.length > 0 && found.length < most) {
    const [name, own] = open.shift() as [string, unknown]
    if (own !== null && typeof own === 'object' && !Array.isArray(own) && name.split('.').length < 6) {
      open.unshift(...Object.entries(own).map(([k, v]) => [name === '' ? k : `${name}.${k}`, v] as [string, unknown]))
    } else {
      const text = typeof own === 'string' ? own : JSON.stringify(own)
      found.push([name, text.length > 2000 ? `${text.slice(0, 2000)}…` : text])
    }
  }
  return found
}

export interface Step {
  at: number | null
  text: string
  token: string
  key: boolean
}

const shown = (token: unknown) => {
  const text = typeof token === 'string' ? token : JSON.stringify(token ?? '')
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}

/** A stream of many chunks is its first, a summary of the middle, and its last. */
export function eventSteps(run: Run): Step[] {
  const start = time(run.start_time) ?? 0
  const events = run.events ?? []
  const steps: Step[] = []
  const at = (i: number) => {
    const t = time(events[i].time)
    return t == null ? null : t - start
  }
  const token = (i: number) => events[i].kwargs?.token ?? events[i].kwargs?.chunk ?? ''
  let streamed = false
  for (let i = 0; i < events.length;) {
    const name = events[i].name ?? 'event'
    if (name !== 'new_token') {
      const more = events[i].kwargs && Object.keys(events[i].kwargs as object).length > 0 ? shown(events[i].kwargs) : ''
      steps.push({ at: at(i), text: name, token: more, key: true })
      i++
      continue
    }
    let end = i
    while (end < events.length && events[end].name === 'new_token') end++
    const run_ = end - i
    if (!streamed) steps.push({ at: at(i), text: 'first token', token: shown(token(i)), key: true })
    else steps.push({ at: at(i), text: '', token: shown(token(i)), key: false })
    streamed = true
    if (run_ > 2) {
      steps.push({ at: at(i + 1), text: '', token: shown(token(i + 1)), key: false })
      if (run_ > 3) {
        const between: number[] = []
        for (let k = i + 1; k < end; k++) between.push((at(k) ?? 0) - (at(k - 1) ?? 0))
        between.sort((a, b) => a - b)
        steps.push({ at: at(Math.min(i + 2, end - 1)), text: `${count(run_ - 3)} more chunks, ${durationText(between[Math.floor(between.length / 2)])} apart at p50, ${durationText(between[between.length - 1])} at most`, token: '', key: false })
      }
    }
    if (run_ > 1) steps.push({ at: at(end - 1), text: '', token: shown(token(end - 1)), key: false })
    i = end
  }
  return steps
}

export interface Attempt {
  at: number
  text: string
  kind: 'key' | 'bad' | ''
  node: Node | null
}

/** Beside a failure inside a retry: what the attempts did, and the pauses between. */
export function attempts(node: Node, origin: number): Attempt[] {
  let own: Node | null = node
  while (own && !/^attempt /.test(place(own.row))) own = own.parent
  const retry = own?.parent
  if (!retry) return []
  const found: Attempt[] = []
  const many = retry.children.filter((c) => /^attempt /.test(place(c.row)))
  many.forEach((attempt, i) => {
    const before = many[i - 1]
    if (before?.stop != null && attempt.start - before.stop > 20) found.push({ at: attempt.start - before.stop, text: 'back-off before the next attempt', kind: '', node: null })
    const name = place(attempt.row)
    const parts = attempt.children.length > 0 ? attempt.children : [attempt]
    for (const part of parts.slice(0, 6)) {
      const state = stateOf(part.row)
      const word = { error: 'failed', running: 'is running', cancelled: 'was cancelled' }[state as string] ?? 'ok'
      found.push({ at: part.start - origin, text: `${name} · ${part.row.name} ${word}`, kind: state === 'error' ? 'bad' : 'key', node: part })
    }
  })
  return found
}

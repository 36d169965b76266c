/** Calls to the collector: same origin, JSON, the key of this tab if it was asked for one. */
import { lock } from './lock.svelte'
import type { ApiKey, Bucket, Feedback, Health, Project, Row, Run, RunPage, RunQuery, Stats, Thread } from './types'

const BASE = '/api/v1'

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message)
  }
}

export const headers = (): Record<string, string> => (lock.key ? { 'x-api-key': lock.key } : {})

async function call<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(BASE + path, {
      method, signal, credentials: 'same-origin',
      headers: { ...headers(), accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch (e) {
    if (signal?.aborted) throw e
    throw new ApiError(0, 'unreachable', `the collector does not answer (${method} ${path})`)
  }
  if (answer.ok) {
    const text = await answer.text()
    return (text === '' ? null : JSON.parse(text)) as T
  }
  let code = String(answer.status)
  let message = `${method} ${path} answered ${answer.status}`
  try {
    const said = (await answer.json()) as { error?: { code?: string; message?: string } | string; detail?: string }
    if (typeof said.error === 'object') {
      code = said.error?.code ?? code
      message = said.error?.message ?? message
    } else message = said.error ?? said.detail ?? message
  } catch {
    // An answer without a body keeps its number.
  }
  if (answer.status === 401) lock.ask(message)
  throw new ApiError(answer.status, code, message)
}

const part = encodeURIComponent

export const api = {
  projects: (find = '', signal?: AbortSignal) => pages<Project>((offset) => `/sessions?include_stats=true&limit=100&offset=${offset}${find ? `&name_contains=${part(find)}` : ''}`, signal),
  project: (id: string, signal?: AbortSignal) => call<Project>('GET', `/sessions/${part(id)}?include_stats=true`, undefined, signal),
  changeProject: (id: string, change: object) => call<Project>('PATCH', `/sessions/${part(id)}`, change),
  dropProject: (id: string) => call<unknown>('DELETE', `/sessions/${part(id)}`),
  runs: (query: RunQuery, signal?: AbortSignal) => call<RunPage>('POST', '/runs/query', query, signal),
  stats: (query: RunQuery, signal?: AbortSignal) => call<Stats>('POST', '/runs/stats', query, signal),
  run: (id: string, signal?: AbortSignal) => call<Run>('GET', `/runs/${part(id)}`, undefined, signal),
  tree: (trace: string, signal?: AbortSignal) => call<{ version: number; runs: Row[] }>('GET', `/traces/${part(trace)}/tree`, undefined, signal),
  metrics: (project: string, from: number, until: number, step: number, by?: string, more: Record<string, string | undefined> = {}, signal?: AbortSignal) => {
    const query = new URLSearchParams({ from: new Date(from).toISOString(), until: new Date(until).toISOString(), step: String(step) })
    if (by) query.set('by', by)
    for (const [k, v] of Object.entries(more)) if (v) query.set(k, v)
    return call<{ buckets: Bucket[] }>('GET', `/sessions/${part(project)}/metrics?${query}`, undefined, signal)
  },
  threads: (project: string, search: string, cursor?: string | null, signal?: AbortSignal) => {
    const query = new URLSearchParams({ limit: '50' })
    if (search) query.set('search', search)
    if (cursor) query.set('cursor', cursor)
    return call<{ threads: Thread[]; cursors?: { next?: string | null } }>('GET', `/sessions/${part(project)}/threads?${query}`, undefined, signal)
  },
  feedback: (run: string, signal?: AbortSignal) => call<Feedback[]>('GET', `/feedback?run=${part(run)}`, undefined, signal),
  addFeedback: (feedback: Partial<Feedback>) => call<Feedback>('POST', '/feedback', feedback),
  share: (run: string) => call<{ share_token: string }>('PUT', `/runs/${part(run)}/share`, { run_id: run }),
  shared: (run: string) => call<{ share_token: string } | null>('GET', `/runs/${part(run)}/share`),
  unshare: (run: string) => call<unknown>('DELETE', `/runs/${part(run)}/share`),
  publicRuns: (token: string, query: RunQuery, signal?: AbortSignal) => call<RunPage>('POST', `/public/${part(token)}/runs/query`, query, signal),
  publicRun: (token: string, id: string, signal?: AbortSignal) => call<Run>('GET', `/public/${part(token)}/run/${part(id)}`, undefined, signal),
  keys: () => call<ApiKey[]>('GET', '/api-keys'),
  addKey: (key: { name: string; projects?: string[]; rights?: string }) => call<ApiKey & { key: string }>('POST', '/api-keys', key),
  dropKey: (id: string) => call<unknown>('DELETE', `/api-keys/${part(id)}`),
  health: () => call<Health>('GET', '/health'),
}

async function pages<T>(path: (offset: number) => string, signal?: AbortSignal): Promise<T[]> {
  const found: T[] = []
  for (;;) {
    const page = await call<T[]>('GET', path(found.length), undefined, signal)
    found.push(...page)
    if (page.length < 100) return found
  }
}

/** Runs of a project that a query finds: page by page, newest first or last, and what is new while one looks. */
import { api } from './api/client'
import type { Bucket, Row, Run, RunQuery, Stats } from './api/types'
import { time } from './format'
import { SELECT } from './select'

export class RunList {
  runs = $state.raw<Run[]>([])
  stats = $state.raw<Stats & { errors_inside_count?: number } | null>(null)
  buckets = $state.raw<Bucket[]>([])
  loaded = $state(false)
  busy = $state(false)
  failed = $state('')
  /** Found since, not shown yet because the reader has scrolled. */
  waiting = $state.raw<Run[]>([])
  cursor: string | null = null
  scroll = 0
  current = $state('')
  histogram = $state.raw({ from: 0, until: 0, step: 60 })
  private known = new Map<string, number>()
  private timer = 0
  private again = false

  constructor(readonly key: string, readonly query: RunQuery, readonly project: string, private readonly window: { from: number | null; until: number | null; step: number }) {}

  async read() {
    this.busy = true
    try {
      const page = await api.runs({ ...this.query, select: SELECT, limit: 100 })
      this.put(page.runs)
      this.cursor = page.cursors?.next ?? null
      this.waiting = []
      this.failed = ''
    } catch (e) {
      this.failed = (e as Error).message
    }
    this.busy = false
    this.loaded = true
    void this.sums()
  }

  /** Totals and histogram: not needed for the first look, so never in its way. */
  async sums() {
    const { from, until, step } = this.window
    const end = until ?? Math.ceil(Date.now() / (step * 1000)) * step * 1000
    const oldest = time(this.runs[this.runs.length - 1]?.start_time) ?? end - 3_600_000
    const start = from == null ? Math.floor(Math.min(oldest, end - step * 1000) / 60_000) * 60_000 : Math.floor(from / (step * 1000)) * step * 1000
    // Whole minutes, which the collector knows by heart.
    const wide = from == null ? Math.max(60, Math.ceil((end - start) / 80_000 / 60) * 60) : step
    const [stats, metrics] = await Promise.allSettled([
      api.stats(this.query),
      api.metrics(this.project, start, end, wide, undefined, { filter: this.query.filter, is_root: this.query.is_root === undefined ? undefined : String(this.query.is_root) }),
    ])
    if (stats.status === 'fulfilled') this.stats = stats.value
    if (metrics.status === 'fulfilled') {
      this.histogram = { from: start, until: end, step: wide }
      this.buckets = metrics.value.buckets
    }
  }

  async more() {
    if (this.busy || !this.cursor) return
    this.busy = true
    try {
      const page = await api.runs({ ...this.query, select: SELECT, limit: 100, cursor: this.cursor })
      this.cursor = page.cursors?.next ?? null
      this.put([...this.runs, ...page.runs.filter((r) => !this.known.has(r.id))])
    } catch (e) {
      this.failed = (e as Error).message
      this.cursor = null
    }
    this.busy = false
  }

  private put(runs: Run[]) {
    this.runs = runs
    this.known = new Map(runs.map((r, i) => [r.id, i]))
  }

  knows(id: string): boolean {
    return this.known.has(id)
  }

  /** The stream is open, anew or for the first time: what it did not tell is asked for. */
  refresh(atTop: () => boolean) {
    this.again = true
    if (this.loaded) this.hear([], atTop)
  }

  /** The stream told of rows: known ones change in place, others are asked for, a few times a second at most. */
  hear(rows: Row[], atTop: () => boolean) {
    let changed = false
    const next = this.runs.slice()
    for (const row of rows) {
      const at = this.known.get(row.id)
      if (at === undefined) {
        this.again = true
        continue
      }
      next[at] = { ...next[at], status: row.status, end_time: row.end_time, first_token_time: row.first_token_time, total_tokens: row.total_tokens, total_cost: row.total_cost, error: row.error }
      changed = true
      // Its output's preview comes with the next look.
      if (row.end_time) this.again = true
    }
    if (changed) this.runs = next
    if (this.again && this.timer === 0) this.timer = window.setTimeout(() => void this.top(atTop), 400)
  }

  private async top(atTop: () => boolean) {
    this.again = false
    try {
      if (this.query.order !== 'asc') {
        const page = await api.runs({ ...this.query, select: SELECT, limit: 100 })
        const fresh = page.runs.filter((r) => !this.known.has(r.id))
        const later = new Map(page.runs.map((r) => [r.id, r]))
        const kept = this.runs.map((r) => later.get(r.id) ?? r)
        if (fresh.length === page.runs.length && this.runs.length > 0) {
          // More than a page is new: what is between would be missing, so the list begins anew.
          if (atTop()) {
            this.put(page.runs)
            this.cursor = page.cursors?.next ?? null
            this.waiting = []
          } else this.waiting = fresh
        } else if (atTop()) {
          this.put([...fresh, ...kept])
          this.waiting = []
        } else {
          this.put(kept)
          this.waiting = fresh
        }
      }
      await this.sums()
    } catch (e) {
      this.failed = (e as Error).message
    }
    this.timer = 0
  }

  /** Shows what waits. */
  take() {
    if (this.waiting.length >= 100) {
      void this.read()
      return
    }
    this.put([...this.waiting.filter((r) => !this.known.has(r.id)), ...this.runs])
    this.waiting = []
  }
}

/** Lists already read, so that going back finds them as they were left. */
const kept = new Map<string, RunList>()
const lastAddress = new Map<string, string>()
const lastList = new Map<string, RunList>()

export function listFor(key: string, make: () => RunList): RunList {
  const found = kept.get(key) ?? make()
  kept.delete(key)
  kept.set(key, found)
  if (kept.size > 12) kept.delete(kept.keys().next().value as string)
  lastList.set(found.project, found)
  return found
}

export const rememberAddress = (project: string, address: string) => void lastAddress.set(project, address)
export const addressOf = (project: string) => lastAddress.get(project) ?? `/p/${encodeURIComponent(project)}/traces`
export const lastListOf = (project: string) => lastList.get(project) ?? null

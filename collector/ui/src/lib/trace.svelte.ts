/** A trace that is looked at: its rows, its tree, and what the stream adds. */
import { api, ApiError } from './api/client'
import { listen } from './api/stream'
import type { Row, Run } from './api/types'
import { SELECT } from './select'
import { build, type Tree } from './tree/build'

/** Where a trace is read from: a project, or a link that was shared. */
export interface Source {
  tree(signal?: AbortSignal): Promise<{ version?: number; runs: Row[] }>
  run(id: string, signal?: AbortSignal): Promise<Run>
}

export const fromCollector = (trace: string): Source => ({ tree: (signal) => api.tree(trace, signal), run: (id, signal) => api.run(id, signal) })

export const fromShare = (token: string): Source => ({
  tree: async (signal) => {
    const runs: Row[] = []
    let cursor: string | null | undefined
    do {
      const page = await api.publicRuns(token, { limit: 100, cursor, select: SELECT }, signal)
      runs.push(...page.runs)
      cursor = page.cursors?.next
    } while (cursor)
    return { runs }
  },
  run: (id, signal) => api.publicRun(token, id, signal),
})

const EMPTY = build([])

export class TraceData {
  tree = $state.raw<Tree>(EMPTY)
  loaded = $state(false)
  failed = $state('')
  missing = $state(false)
  connected = $state(true)
  /** Changes whenever a row does, so that a payload on the screen is asked for again. */
  turn = $state(0)
  private rows = new Map<string, Row>()
  private version = 0
  private timer = 0

  constructor(readonly source: Source, private readonly trace: string) {}

  async read() {
    try {
      const found = await this.source.tree()
      this.version = found.version ?? 0
      this.rows = new Map(found.runs.map((r) => [r.id, r]))
      this.failed = ''
      this.missing = false
      this.rebuild()
    } catch (e) {
      this.missing = e instanceof ApiError && e.status === 404
      this.failed = (e as Error).message
    }
    this.loaded = true
  }

  follow(): () => void {
    const stop = listen({ trace: this.trace }, {
      runs: (rows) => this.hear(rows),
      resync: () => void this.read(),
      state: (open) => (this.connected = open),
    }, this.version || undefined)
    return () => {
      stop()
      clearTimeout(this.timer)
      this.timer = 0
    }
  }

  hear(rows: Row[]) {
    for (const row of rows) this.rows.set(row.id, { ...this.rows.get(row.id), ...row })
    // A large trace is put together a few times a second, a small one at once.
    if (this.timer === 0) this.timer = window.setTimeout(() => this.rebuild(), this.rows.size > 3000 ? 500 : 60)
  }

  private rebuild() {
    this.timer = 0
    this.tree = build(this.rows.values())
    this.turn++
  }
}

const KEPT = 40

/** Payloads of runs, asked for when a run is looked at. */
export class Payloads {
  run = $state.raw<Run | null>(null)
  failed = $state('')
  private kept = new Map<string, { mark: string; run: Run }>()
  private asked = ''
  private timer = 0
  private stop: AbortController | null = null

  constructor(private readonly source: Source) {}

  show(row: Row | null) {
    clearTimeout(this.timer)
    this.stop?.abort()
    if (!row) {
      this.run = null
      return
    }
    const mark = `${row.status} ${row.end_time ?? ''} ${row.version ?? ''}`
    const known = this.kept.get(row.id)
    if (this.asked !== row.id) this.run = known?.run ?? null
    this.asked = row.id
    this.failed = ''
    if (known && known.mark === mark) return
    this.timer = window.setTimeout(() => void this.ask(row.id, mark), known ? 400 : 60)
  }

  private async ask(id: string, mark: string) {
    this.stop = new AbortController()
    const { signal } = this.stop
    try {
      const run = await this.source.run(id, signal)
      if (signal.aborted) return
      this.kept.set(id, { mark, run })
      if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value as string)
      if (this.asked === id) this.run = run
    } catch (e) {
      if (!signal.aborted) this.failed = (e as Error).message
    }
  }
}

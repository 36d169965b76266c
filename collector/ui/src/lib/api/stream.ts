/**
 * Server-sent events over fetch, because an EventSource cannot carry the key.
 * After a break it resumes from the last id; "resync" means: what was missed is too much, read again.
 */
import { headers } from './client'
import { EventReader } from './events'
import type { Row } from './types'

export interface Hearing {
  runs(rows: Row[]): void
  resync(): void
  state?(open: boolean): void
}

/** Listens until the returned function is called. */
export function listen(to: { project: string } | { trace: string }, hearing: Hearing, since?: number): () => void {
  const stop = new AbortController()
  let last = since === undefined ? '' : String(since)
  let wait = 1000

  const once = async () => {
    const answer = await fetch(`/api/v1/stream?${new URLSearchParams(to)}`, {
      signal: stop.signal, credentials: 'same-origin',
      headers: { ...headers(), accept: 'text/event-stream', ...(last ? { 'last-event-id': last } : {}) },
    })
    if (!answer.ok || !answer.body) throw new Error(String(answer.status))
    hearing.state?.(true)
    wait = 1000
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    const events = new EventReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      for (const { event, data, id } of events.read(value)) {
        if (id) last = id
        if (event === 'runs') hearing.runs((JSON.parse(data) as { runs: Row[] }).runs)
        else if (event === 'resync') hearing.resync()
      }
    }
  }

  const always = async () => {
    while (!stop.signal.aborted) {
      try {
        await once()
      } catch {
        if (stop.signal.aborted) return
      }
      hearing.state?.(false)
      await new Promise((done) => setTimeout(done, wait))
      wait = Math.min(wait * 2, 15_000)
    }
  }
  void always()
  return () => stop.abort()
}

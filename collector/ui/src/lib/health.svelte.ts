/** The collector's health, asked every ten seconds; the rate is what was stored between two answers. */
import { api } from './api/client'
import type { Health } from './api/types'

const KEPT = 90

class HealthWatch {
  now = $state.raw<Health | null>(null)
  rate = $state<number | null>(null)
  failed = $state('')
  /** Samples for the small charts, oldest first. */
  past = $state.raw<{ rate: number; queue: number; refused: number; orphans: number }[]>([])
  private before: { stored: number; at: number } | null = null

  /** For `$effect`: asks while something shows it. A shared page never does, its reader may have no key. */
  watch(): () => void {
    void this.read()
    const timer = setInterval(() => void this.read(), 10_000)
    return () => clearInterval(timer)
  }

  async read() {
    if (document.hidden) return
    try {
      const found = await api.health()
      const at = Date.now()
      if (this.before && found.stored != null && at - this.before.at > 500) this.rate = Math.max(0, ((found.stored - this.before.stored) * 1000) / (at - this.before.at))
      if (found.stored != null) this.before = { stored: found.stored, at }
      this.now = found
      this.failed = ''
      const refused = (found.refused ?? []).reduce((n, r) => n + r.count, 0)
      this.past = [...this.past, { rate: this.rate ?? 0, queue: found.queue?.operations ?? 0, refused, orphans: found.orphans ?? 0 }].slice(-KEPT)
      if (this.past.length === 1) setTimeout(() => void this.read(), 1500)
    } catch (e) {
      this.failed = (e as Error).message
    }
  }
}

export const health = new HealthWatch()

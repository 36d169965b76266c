/** Time on the waterfall's axis: a zoomed window of the trace, idle gaps cut out on request. */
import type { Tree } from './tree/build'

export interface Gap {
  from: number
  to: number
}

export interface Tick {
  at: number
  label: string
}

export interface Scale {
  from: number
  to: number
  /** 0 at the left edge, 1 at the right; may be outside. */
  x(time: number): number
  time(x: number): number
  ticks: Tick[]
  gaps: Gap[]
}

/** A cut gap still takes this share of the axis, so that it can be seen. */
const GAP = 0.012

export function makeScale(from: number, to: number, origin: number, gaps: Gap[] = [], ticks = 8): Scale {
  const end = to > from ? to : from + 1
  const cuts = gaps.filter((g) => g.to > from && g.from < end).map((g) => ({ from: Math.max(g.from, from), to: Math.min(g.to, end) }))
  const idle = cuts.reduce((sum, g) => sum + (g.to - g.from), 0)
  const busy = Math.max(end - from - idle, 1e-6)
  const wide = Math.max(1 - GAP * cuts.length, 0.2)

  const x = (time: number) => {
    let passed = time - from
    let cut = 0
    for (const gap of cuts) {
      if (time >= gap.to) {
        passed -= gap.to - gap.from
        cut += GAP
      } else if (time > gap.from) {
        passed -= time - gap.from
        cut += (GAP * (time - gap.from)) / (gap.to - gap.from)
      }
    }
    return (passed / busy) * wide + cut
  }
  const time = (at: number) => {
    let low = from
    let high = end
    if (cuts.length === 0) return from + at * (end - from)
    for (let i = 0; i < 40; i++) {
      const middle = (low + high) / 2
      if (x(middle) < at) low = middle
      else high = middle
    }
    return (low + high) / 2
  }
  return { from, to: end, x, time, ticks: makeTicks(from, end, origin, x, ticks), gaps: cuts }
}

export function niceStep(span: number, wanted: number): number {
  const rough = span / wanted
  const power = 10 ** Math.floor(Math.log10(rough))
  for (const step of [1, 2, 5, 10]) if (rough <= step * power * 1.0001) return step * power
  return 10 * power
}

function makeTicks(from: number, to: number, origin: number, x: (t: number) => number, wanted: number): Tick[] {
  const step = niceStep(to - from, wanted)
  const found: Tick[] = []
  const first = Math.ceil((from - origin) / step - 1e-9) * step
  for (let at = first; at <= to - origin + step * 1e-6; at += step) {
    const place = x(origin + at)
    if (found.length > 0 && place - found[found.length - 1].at < 0.06) continue
    found.push({ at: place, label: tickLabel(at, step) })
  }
  return found
}

export function tickLabel(ms: number, step: number): string {
  if (Math.abs(ms) < step * 1e-6) return '0'
  if (step < 1) return `${Number(ms.toFixed(2))} ms`
  if (step < 100) return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(step < 10 ? 3 : 2)} s`
  if (step >= 86_400_000) return `${Number((ms / 86_400_000).toFixed(1))} days`
  if (step >= 3_600_000) return `${Number((ms / 3_600_000).toFixed(1))} h`
  if (step >= 60_000) return `${Number((ms / 60_000).toFixed(1))} min`
  return `${Number((ms / 1000).toFixed(step < 1000 ? 1 : 0))} s`
}

/** Where no leaf works for at least 4 % of the trace. */
export function idleGaps(tree: Tree, now: number): Gap[] {
  const work: [number, number][] = []
  for (const node of tree.order) {
    if (node.children.length > 0 || Number.isNaN(node.start)) continue
    work.push([node.start, node.stop ?? (node.running ? now : node.start)])
  }
  if (work.length === 0) return []
  work.sort((a, b) => a[0] - b[0])
  const end = tree.running ? now : tree.stop
  const least = (end - tree.start) * 0.04
  const gaps: Gap[] = []
  let at = tree.start
  for (const [from, to] of work) {
    if (from - at > least) gaps.push({ from: at, to: from })
    if (to > at) at = to
  }
  if (end - at > least) gaps.push({ from: at, to: end })
  return gaps
}

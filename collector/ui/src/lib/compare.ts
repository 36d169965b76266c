/** Two trees side by side: children are matched by name, type and place, in the order of their work. */
import { common } from './text/diff'
import type { Node, Tree } from './tree/build'
import { number } from './format'
import { latency, place, stateOf } from './run'

export interface Pair {
  a: Node | null
  b: Node | null
  depth: number
  label: string
}

export interface Deltas {
  latency: number | null
  tokens: number | null
  cost: number | null
}

const key = (node: Node) => `${node.row.run_type}\u0000${node.row.name}\u0000${place(node.row)}`

export function align(a: Tree, b: Tree): Pair[] {
  const pairs: Pair[] = []
  const [rootA] = a.roots
  const [rootB] = b.roots
  const open: Pair[] = []
  // Two roots stand for each other whatever they are called.
  if (a.roots.length === 1 && b.roots.length === 1) open.push({ a: rootA, b: rootB, depth: 0, label: '' })
  else open.push(...match(a.roots, b.roots, 0).reverse())
  while (open.length > 0) {
    const own = open.pop() as Pair
    const node = (own.b ?? own.a) as Node
    own.label = [node.row.name, place(node.row)].filter((t) => t !== '').join(' · ')
    pairs.push(own)
    open.push(...match(own.a?.children ?? [], own.b?.children ?? [], own.depth + 1).reverse())
  }
  return pairs
}

function match(a: Node[], b: Node[], depth: number): Pair[] {
  const found: Pair[] = []
  let i = 0
  let j = 0
  for (const [x, y] of [...common(a.map(key), b.map(key)), [a.length, b.length]]) {
    while (i < x) found.push({ a: a[i++], b: null, depth, label: '' })
    while (j < y) found.push({ a: null, b: b[j++], depth, label: '' })
    if (x < a.length && y < b.length) found.push({ a: a[i++], b: b[j++], depth, label: '' })
  }
  return found
}

export function deltas(pair: Pair, now: number): Deltas {
  if (!pair.a || !pair.b) return { latency: null, tokens: null, cost: null }
  const minus = (x: number | null | undefined, y: number | null | undefined) => (x == null || y == null ? null : x - y)
  return {
    latency: minus(latency(pair.b.row, now), latency(pair.a.row, now)),
    tokens: minus(pair.b.row.total_tokens, pair.a.row.total_tokens),
    cost: minus(number(pair.b.row.total_cost), number(pair.a.row.total_cost)),
  }
}

/** Worth a look: only on one side, another end, or at least a tenth slower or faster. */
export function changed(pair: Pair, now: number): boolean {
  if (!pair.a || !pair.b) return true
  if (stateOf(pair.a.row) !== stateOf(pair.b.row)) return true
  const d = deltas(pair, now)
  const before = latency(pair.a.row, now) ?? 0
  return (d.tokens ?? 0) !== 0 || (d.cost ?? 0) !== 0 || Math.abs(d.latency ?? 0) > Math.max(before * 0.1, 5)
}

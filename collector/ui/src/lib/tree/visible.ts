/** Which nodes of a tree are shown: folding, levels, finding, types and small runs. One pass, whatever is asked. */
import type { Node, Tree } from './build'
import { typeOf } from '../run'

export interface Wish {
  folded: ReadonlySet<string>
  find?: string
  /** `highlight` fades what does not match, `filter` hides it but keeps the ancestors of what does. */
  mode?: 'highlight' | 'filter'
  types?: ReadonlySet<string> | null
  /** Hide runs that took less than this share of the trace. */
  under?: number
  now?: number
}

export interface Shown {
  nodes: Node[]
  /** Matches of the search in the order of reading; null when nothing is searched. */
  matches: Set<Node> | null
  /** How many runs a filter hides, said in the toolbar. */
  hidden: number
}

export function matches(node: Node, needle: string): boolean {
  const { row } = node
  return row.name.toLowerCase().includes(needle) || row.id === needle || (row.error ?? '').toLowerCase().includes(needle) ||
    (row.model ?? '').toLowerCase().includes(needle) || (row.tags ?? []).some((t) => t.toLowerCase().includes(needle))
}

export function visible(tree: Tree, wish: Wish): Shown {
  const needle = (wish.find ?? '').trim().toLowerCase()
  const found = needle === '' ? null : new Set(tree.order.filter((n) => matches(n, needle)))
  const least = (wish.under ?? 0) * Math.max(1, (wish.now ?? tree.stop) - tree.start)
  const types = wish.types && wish.types.size > 0 ? wish.types : null
  const narrow = types !== null || least > 0 || (found !== null && wish.mode === 'filter')

  if (!narrow) {
    const nodes: Node[] = []
    for (let i = 0; i < tree.order.length;) {
      const node = tree.order[i]
      nodes.push(node)
      i = wish.folded.has(node.id) && node.children.length > 0 ? node.end : i + 1
    }
    return { nodes, matches: found, hidden: 0 }
  }

  const keep = new Uint8Array(tree.order.length)
  let kept = 0
  for (let i = tree.order.length - 1; i >= 0; i--) {
    const node = tree.order[i]
    const fits = (types === null || types.has(typeOf(node.row.run_type))) &&
      (least === 0 || node.running || node.bad || (node.stop ?? node.reach) - node.start >= least) &&
      (found === null || wish.mode !== 'filter' || found.has(node))
    if (!fits && keep[i] === 0) continue
    keep[i] = 1
    kept++
    if (node.parent) keep[node.parent.index] = 1
  }
  const nodes: Node[] = []
  for (let i = 0; i < tree.order.length;) {
    const node = tree.order[i]
    if (keep[i] === 0) {
      i = node.end
      continue
    }
    nodes.push(node)
    i = wish.folded.has(node.id) && node.children.length > 0 ? node.end : i + 1
  }
  return { nodes, matches: found, hidden: tree.order.length - kept }
}

/** Folds everything that is `level` deep or deeper. */
export function foldToLevel(tree: Tree, level: number): Set<string> {
  const folded = new Set<string>()
  for (const node of tree.order) if (node.children.length > 0 && node.depth + 1 >= level) folded.add(node.id)
  return folded
}

/** The next failed run after (or before) a place in the order of reading, around the end. */
export function nextError(tree: Tree, from: Node | null, back = false): Node | null {
  const n = tree.order.length
  const at = from ? from.index : back ? n : -1
  for (let step = 1; step <= n; step++) {
    const node = tree.order[(((back ? at - step : at + step) % n) + n) % n]
    if (node.bad) return node
  }
  return null
}

export function ancestors(node: Node): Node[] {
  const found: Node[] = []
  for (let at = node.parent; at; at = at.parent) found.unshift(at)
  return found
}

export interface Rail {
  level: number
  end: boolean
  bad: boolean
}

/** The lines left of a row: grey where a sibling follows, red from the root to what failed. */
export function rails(node: Node, deepest: number): { lines: Rail[]; elbow: number; elbowBad: boolean } {
  const lines: Rail[] = []
  let elbowBad = false
  for (let at: Node = node; at.parent; at = at.parent) {
    const level = at.depth - 1
    if (level >= deepest) continue
    const parent = at.parent
    const own = at === node
    if (at.position < parent.children.length - 1) lines.push({ level, end: false, bad: false })
    else if (own) lines.push({ level, end: true, bad: false })
    if (parent.lastBad > at.position) lines.push({ level, end: false, bad: true })
    else if (own && parent.lastBad === at.position) {
      lines.push({ level, end: true, bad: true })
      elbowBad = true
    }
  }
  return { lines, elbow: node.depth - 1, elbowBad }
}

/**
 * Rows to a tree, in one pass over the rows and one over the nodes.
 *
 * A run whose parent is not here is placed by its `dotted_order`: that text names all its ancestors,
 * so a stand-in ("waiting") is put where the parent will be. A run whose order does not tell its
 * place goes to the section at the end.
 */
import type { Row } from '../api/types'
import { time } from '../format'
import { failed, running } from '../run'

export interface Node {
  id: string
  row: Row
  parent: Node | null
  children: Node[]
  depth: number
  /** Position in the whole tree, in the order of reading, and the position after its last descendant. */
  index: number
  end: number
  position: number
  standIn: boolean
  orphan: boolean
  errorsInside: number
  bad: boolean
  running: boolean
  /** Position of the last child that failed or holds a failure, or -1. */
  lastBad: number
  start: number
  stop: number | null
  /** When the work below it ended, as far as known. */
  reach: number
}

export interface Tree {
  /** All nodes in the order of reading, section of orphans included. */
  order: Node[]
  roots: Node[]
  /** Where the section "waiting for parent" begins in `order`; the length of it if there is none. */
  orphansAt: number
  byId: Map<string, Node>
  start: number
  stop: number
  running: boolean
  errors: number
  count: number
  waiting: number
}

interface Step {
  key: string
  id: string
  start: number | null
}

/** `20261122T120431207000Z<uuid>.…` → one step per ancestor, the run itself last. */
export function steps(order: string | null | undefined): Step[] {
  if (!order) return []
  const found: Step[] = []
  for (const key of order.split('.')) {
    const cut = key.indexOf('Z')
    if (cut < 0) return []
    const stamp = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{0,6})/.exec(key)
    const id = key.slice(cut + 1)
    if (!stamp || id === '') return []
    const [, y, mo, d, h, mi, s, fraction] = stamp
    found.push({ key, id, start: Date.UTC(+y, +mo - 1, +d, +h, +mi, +s) + (fraction ? Number(`0.${fraction}`) * 1000 : 0) })
  }
  return found
}

function node(row: Row, standIn = false): Node {
  const start = time(row.start_time)
  const end = time(row.end_time)
  // A clock that was set back while the run was open: it took no time, as the collector counts it.
  const stop = start != null && end != null ? Math.max(start, end) : end
  return {
    id: row.id, row, parent: null, children: [], depth: 0, index: 0, end: 0, position: 0,
    standIn, orphan: false, errorsInside: 0, bad: !standIn && failed(row), running: !standIn && running(row), lastBad: -1,
    start: start ?? NaN, stop, reach: NaN,
  }
}

const before = (a: Node, b: Node) => {
  if (a.start !== b.start && !Number.isNaN(a.start) && !Number.isNaN(b.start)) return a.start - b.start
  const x = a.row.dotted_order ?? a.id
  const y = b.row.dotted_order ?? b.id
  return x < y ? -1 : x > y ? 1 : 0
}

export function build(rows: Iterable<Row>): Tree {
  const byId = new Map<string, Node>()
  for (const row of rows) byId.set(row.id, node(row))

  const tops: Node[] = []
  const orphans: Node[] = []
  const link = (child: Node, parent: Node) => {
    child.parent = parent
    parent.children.push(child)
  }

  for (const own of [...byId.values()]) {
    const parentId = own.row.parent_run_id
    if (!parentId) {
      tops.push(own)
      continue
    }
    const parent = byId.get(parentId)
    if (parent && parent !== own) {
      link(own, parent)
      continue
    }
    const path = steps(own.row.dotted_order)
    if (path.length < 2 || path[path.length - 2].id !== parentId) {
      own.orphan = true
      orphans.push(own)
      continue
    }
    // From the missing parent upward, until an ancestor that is here or the root.
    let child = own
    for (let at = path.length - 2; at >= 0; at--) {
      const here = byId.get(path[at].id)
      if (here) {
        link(child, here)
        child = here
        break
      }
      const standIn = node({
        id: path[at].id, name: 'waiting for parent', run_type: 'chain', status: 'waiting',
        parent_run_id: at > 0 ? path[at - 1].id : null,
        dotted_order: path.slice(0, at + 1).map((s) => s.key).join('.'),
        start_time: path[at].start == null ? null : new Date(path[at].start as number).toISOString(),
        trace_id: own.row.trace_id,
      }, true)
      byId.set(standIn.id, standIn)
      link(child, standIn)
      child = standIn
      if (at === 0) tops.push(standIn)
    }
  }

  tops.sort(before)
  orphans.sort(before)
  const order: Node[] = []
  const seen = new Set<Node>()
  walk(tops, order, seen)
  const orphansAt = order.length
  walk(orphans, order, seen)
  // What a circle of parents holds cannot be reached from above: it is told of at the end, too.
  if (seen.size < byId.size) {
    for (const lost of byId.values()) {
      if (seen.has(lost)) continue
      lost.orphan = true
      lost.parent?.children.splice(lost.parent.children.indexOf(lost), 1)
      lost.parent = null
      orphans.push(lost)
      walk([lost], order, seen)
    }
  }

  let start = Infinity
  let stop = -Infinity
  let waiting = 0
  let errors = 0
  let live = false
  for (let i = order.length - 1; i >= 0; i--) {
    const own = order[i]
    if (own.standIn) waiting++
    if (own.bad) errors++
    live ||= own.running
    for (let c = 0; c < own.children.length; c++) {
      const child = own.children[c]
      own.errorsInside += child.errorsInside + (child.bad ? 1 : 0)
      if (child.bad || child.errorsInside > 0) own.lastBad = c
      if (Number.isNaN(own.start)) own.start = child.start
    }
    let reach = own.stop ?? own.start
    for (const child of own.children) if (child.reach > reach || Number.isNaN(reach)) reach = child.reach
    own.reach = reach
    if (own.standIn) own.stop = reach
    if (own.start < start) start = own.start
    if (reach > stop) stop = reach
  }
  if (!Number.isFinite(start)) start = stop = 0
  return { order, roots: [...tops, ...orphans], orphansAt, byId, start, stop: Math.max(stop, start), running: live, errors, count: order.length - waiting, waiting }
}

/** Depth first without recursion, since a trace may be ten thousand runs deep. */
function walk(tops: Node[], order: Node[], seen: Set<Node>) {
  const open: { list: Node[]; at: number; owner: Node | null }[] = [{ list: tops, at: 0, owner: null }]
  while (open.length > 0) {
    const level = open[open.length - 1]
    if (level.at === level.list.length) {
      if (level.owner) level.owner.end = order.length
      open.pop()
      continue
    }
    const own = level.list[level.at]
    own.position = level.at++
    if (seen.has(own)) continue
    seen.add(own)
    own.index = order.length
    own.depth = open.length - 1
    order.push(own)
    if (own.children.length > 1) own.children.sort(before)
    open.push({ list: own.children, at: 0, owner: own })
  }
}

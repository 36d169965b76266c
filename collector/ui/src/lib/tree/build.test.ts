import { describe, expect, it } from 'vitest'
import type { Row } from '../api/types'
import { build, steps, type Tree } from './build'
import { ancestors, foldToLevel, nextError, rails, visible } from './visible'

const at = (ms: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, 0, ms)).toISOString()
const key = (ms: number, id: string) => `${at(ms).replace(/[-:.]/g, '').replace('Z', '000Z')}${id}`

function row(id: string, parent: Row | null, from: number, to: number | null, more: Partial<Row> = {}): Row {
  return {
    id, parent_run_id: parent?.id ?? null, name: id, run_type: 'chain', status: to == null ? 'pending' : more.error ? 'error' : 'success',
    start_time: at(from), end_time: to == null ? null : at(to),
    dotted_order: parent ? `${parent.dotted_order}.${key(from, id)}` : key(from, id), ...more,
  }
}

const picture = (tree: Tree) => tree.order.map((n) => '  '.repeat(n.depth) + (n.standIn ? `(${n.id})` : n.id) + (n.orphan ? ' orphan' : '') + (n.errorsInside > 0 ? ` ${n.errorsInside} inside` : '') + (n.bad ? ' failed' : '')).join('\n')

const root = row('root', null, 0, 100)
const a = row('a', root, 10, 40)
const b = row('b', root, 50, 90)
const leaf = row('leaf', a, 12, 30, { error: 'Broken: it is' })

describe('build', () => {
  it('gives the order of reading whatever order rows come in', () => {
    expect(picture(build([leaf, b, a, root]))).toBe('root 1 inside\n  a 1 inside\n    leaf failed\n  b')
  })

  it('puts a stand-in where a missing parent will be', () => {
    const tree = build([root, b, leaf])
    expect(picture(tree)).toBe('root 1 inside\n  (a) 1 inside\n    leaf failed\n  b')
    expect(tree.waiting).toBe(1)
    expect(tree.count).toBe(3)
    expect(tree.byId.get('a')?.stop).toBe(Date.parse(at(30)))
  })

  it('stands in for a whole line of missing ancestors, root included', () => {
    expect(picture(build([leaf]))).toBe('(root) 1 inside\n  (a) 1 inside\n    leaf failed')
  })

  it('moves nothing when the parent arrives', () => {
    const before = build([root, b, leaf]).order.map((n) => n.id)
    expect(build([root, b, leaf, a]).order.map((n) => n.id)).toEqual(before)
  })

  it('keeps runs whose place is not known in a section at the end', () => {
    const lost = row('lost', { id: 'gone' } as Row, 5, 6, { dotted_order: null })
    const tree = build([lost, root, a])
    expect(picture(tree)).toBe('root\n  a\nlost orphan')
    expect(tree.orphansAt).toBe(2)
  })

  it('takes an end before the beginning for no time at all', () => {
    const turned = row('turned', root, 5, 1)
    const tree = build([root, turned])
    expect(tree.byId.get('turned')?.stop).toBe(tree.byId.get('turned')?.start)
  })

  it('loses no run of a circle of parents', () => {
    const x = { ...row('x', root, 1, 2), parent_run_id: 'y' }
    const y = { ...row('y', root, 1, 2), parent_run_id: 'x' }
    const tree = build([root, x, y])
    expect(new Set(tree.order.map((n) => n.id))).toEqual(new Set(['root', 'x', 'y']))
  })

  it('takes ids that are names of prototypes', () => {
    const tree = build([row('__proto__', null, 0, 1), row('constructor', null, 2, 3)])
    expect(tree.order).toHaveLength(2)
  })

  it('builds ten thousand levels without recursion', () => {
    let parent: Row | null = null
    const rows: Row[] = []
    for (let i = 0; i < 10_000; i++) {
      // A dotted order of this depth would be half a gigabyte: the parent's id is enough here.
      const own: Row = { ...row(`n${i}`, null, i, 20_000), parent_run_id: parent?.id ?? null, dotted_order: null }
      rows.push(own)
      parent = own
    }
    const tree = build(rows)
    expect(tree.order[9_999].depth).toBe(9_999)
  })

  it('builds and folds 10,000 runs in a blink', () => {
    const rows = [root]
    for (let i = 0; i < 1000; i++) {
      const step = row(`s${i}`, root, i, i + 9)
      rows.push(step)
      for (let j = 0; j < 9; j++) rows.push(row(`s${i}-${j}`, step, i + j, i + j + 1))
    }
    build(rows)
    const begun = performance.now()
    const tree = build(rows)
    const built = performance.now() - begun
    expect(visible(tree, { folded: new Set(['root']) }).nodes).toHaveLength(1)
    expect(built).toBeLessThan(500)
    expect(tree.order).toHaveLength(10_001)
  })
})

describe('steps', () => {
  it('reads times and ids', () => {
    expect(steps(key(5, 'abc-1'))).toEqual([{ key: key(5, 'abc-1'), id: 'abc-1', start: Date.parse(at(5)) }])
    expect(steps('nonsense')).toEqual([])
    expect(steps(null)).toEqual([])
  })
})

describe('visible', () => {
  const tree = build([root, a, b, leaf])
  const ids = (wish: Parameters<typeof visible>[1]) => visible(tree, wish).nodes.map((n) => n.id)
  const folded = new Set<string>()

  it('folds', () => {
    expect(ids({ folded: new Set(['a']) })).toEqual(['root', 'a', 'b'])
    expect(ids({ folded: new Set(['leaf']) })).toEqual(['root', 'a', 'leaf', 'b'])
  })
  it('highlights without hiding, filters with ancestors', () => {
    const found = visible(tree, { folded, find: 'LEA' })
    expect(found.nodes).toHaveLength(4)
    expect([...(found.matches ?? [])].map((n) => n.id)).toEqual(['leaf'])
    expect(ids({ folded, find: 'leaf', mode: 'filter' })).toEqual(['root', 'a', 'leaf'])
    expect(visible(tree, { folded, find: 'leaf', mode: 'filter' }).hidden).toBe(1)
  })
  it('hides what is short but never what failed', () => {
    expect(ids({ folded, under: 0.35 })).toEqual(['root', 'a', 'leaf', 'b'])
    expect(ids({ folded, under: 0.45 })).toEqual(['root', 'a', 'leaf'])
  })
  it('collapses to a level', () => {
    expect(ids({ folded: foldToLevel(tree, 1) })).toEqual(['root'])
    expect(ids({ folded: foldToLevel(tree, 2) })).toEqual(['root', 'a', 'b'])
  })
  it('goes around from error to error', () => {
    const at = tree.byId.get('leaf') ?? null
    expect(nextError(tree, null)).toBe(at)
    expect(nextError(tree, at)).toBe(at)
    expect(nextError(tree, tree.byId.get('b') ?? null, true)).toBe(at)
  })
  it('draws the rail red down to what failed and no further', () => {
    const of = (id: string) => rails(tree.byId.get(id) as never, 20)
    expect(of('a').lines).toContainEqual({ level: 0, end: true, bad: true })
    expect(of('leaf').elbowBad).toBe(true)
    expect(of('b').lines.some((l) => l.bad)).toBe(false)
    expect(ancestors(tree.byId.get('leaf') as never).map((n) => n.id)).toEqual(['root', 'a'])
  })
})

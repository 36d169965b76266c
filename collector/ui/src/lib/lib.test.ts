import { describe, expect, it } from 'vitest'
import { EventReader } from './api/events'
import { align, changed, deltas } from './compare'
import { area, axis, line } from './chart'
import { ago, bytes, compact, cost, count, durationText, number, percent, roundUp, time, together } from './format'
import { placeOf, to } from './routes'
import { errorParts, place, stateOf } from './run'
import { attempts, eventSteps, flat } from './runfacts'
import { idleGaps, makeScale, tickLabel } from './scale'
import { groups, merge } from './sums'
import { build } from './tree/build'
import type { Row } from './api/types'

describe('numbers', () => {
  it('whole milliseconds under a second, two decimals above', () => {
    expect([0, 6, 611.4, 999.6, 5020, 14_200, 200_000].map(durationText)).toEqual(['0 ms', '6 ms', '611 ms', '1.00 s', '5.02 s', '14.20 s', '3.3 min'])
    expect(durationText(null)).toBe('–')
    expect(durationText(-60)).toBe('−60 ms')
  })
  it('costs with four decimals in rows and two in sums', () => {
    expect([cost(0.0041), cost('0.0041'), cost(162.571, 2), cost(null), cost(-0.0005)]).toEqual(['$0.0041', '$0.0041', '$162.57', '–', '−$0.0005'])
  })
  it('short sums', () => {
    expect([count(1204), together(compact(200_400_000)), together(compact(753_600)), together(bytes(18_400_000_000)), together(percent(0.0231)), together(percent(0))]).toEqual(['1,204', '200.4 M', '753.6 k', '18.4 GB', '2.31 %', '0 %'])
    expect([number('x'), number(''), number('1.5'), roundUp(6.9), roundUp(0.3), roundUp(0)]).toEqual([null, null, 1.5, 10, 0.5, 1])
  })
  it('times without a zone are UTC, microseconds count', () => {
    expect(time('2026-11-22T12:00:00')).toBe(Date.UTC(2026, 10, 22, 12))
    expect(time('2026-11-22T12:00:00.123456Z')).toBeCloseTo(Date.UTC(2026, 10, 22, 12, 0, 0, 123) + 0.456, 3)
    expect([time('soon'), time(null)]).toEqual([null, null])
    expect([ago(0, 1000), ago(0, 41_000), ago(0, 61_000), ago(0, 86_400_000)]).toEqual(['now', '41 s ago', '1 min ago', '1 day ago'])
  })
})

const row = (more: Partial<Row>): Row => ({ id: 'x', name: 'x', run_type: 'chain', status: 'success', ...more })

describe('a run', () => {
  it('has one state', () => {
    expect(stateOf(row({ status: 'pending' }))).toBe('running')
    expect(stateOf(row({ status: 'error', error: 'Broken: x' }))).toBe('error')
    expect(stateOf(row({ status: 'error', error: 'cancelled: no longer wanted' }))).toBe('cancelled')
    expect(stateOf(row({ status: 'cancelled' }))).toBe('cancelled')
    expect(stateOf(row({ truncated: true }))).toBe('truncated')
    expect(stateOf(row({ status: 'pending', end_time: '2026-01-01T00:00:00Z' }))).toBe('ok')
  })
  it('tells the kind of its error from the message and the stack', () => {
    expect(errorParts('RateLimited: 429 from provider\n  at send')).toEqual({ kind: 'RateLimited', message: '429 from provider', stack: '  at send' })
    expect(errorParts("ValueError('bad')")).toMatchObject({ kind: 'ValueError', message: 'bad' })
    expect(errorParts('it did not work: at all')).toMatchObject({ kind: 'Error', message: 'it did not work: at all' })
    expect(errorParts(null)).toEqual({ kind: 'Error', message: '', stack: '' })
  })
  it('says its place in a composition', () => {
    expect([place(row({ tags: ['map:key:a:b'] })), place(row({ tags: ['prod', 'retry:attempt:2'] })), place(row({ tags: ['seq:step:1'] }))]).toEqual(['a:b', 'attempt 2', ''])
  })
  it('flattens metadata without making objects of its keys', () => {
    expect(flat({ a: { b: 1 }, __proto__x: 'y', list: [1, 2] })).toEqual([['a.b', '1'], ['__proto__x', 'y'], ['list', '[1,2]']])
    expect(flat(JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":1}}'))).toEqual([['__proto__.polluted', 'true'], ['constructor.prototype', '1']])
    expect(({} as Record<string, unknown>).polluted).toBe(undefined)
  })
  it('summarises a stream', () => {
    const at = (ms: number) => new Date(1000 + ms).toISOString()
    const run = { ...row({ start_time: at(0) }), events: [{ name: 'start', time: at(0) }, ...Array.from({ length: 10 }, (_, i) => ({ name: 'new_token', time: at(100 + i * 7), kwargs: { token: `t${i}` } })), { name: 'end', time: at(200) }] }
    expect(eventSteps(run).map((s) => s.text || s.token)).toEqual(['start', 'first token', '"t1"', '7 more chunks, 7 ms apart at p50, 7 ms at most', '"t9"', 'end'])
  })
})

const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms).toISOString()
const tree = (names: [string, number, number, string?, string?][]) => build([
  row({ id: 'r', start_time: at(0), end_time: at(1000), total_tokens: 100 }),
  ...names.map(([name, from, to, tag, error], i) => row({ id: `${name}${i}`, name, parent_run_id: 'r', start_time: at(from), end_time: at(to), tags: tag ? [tag] : [], error, status: error ? 'error' : 'success' })),
])

describe('comparing', () => {
  it('matches by name, type and place, in the order of work', () => {
    const a = tree([['load', 0, 10], ['ask', 10, 300, 'retry:attempt:1'], ['gone', 300, 310]])
    const b = tree([['load', 0, 10], ['ask', 10, 200, 'retry:attempt:1'], ['ask', 210, 400, 'retry:attempt:2']])
    expect(align(a, b).map((p) => `${p.a ? 'A' : '-'}${p.b ? 'B' : '-'} ${p.label}`)).toEqual(['AB x', 'AB load', 'AB ask · attempt 1', 'A- gone', '-B ask · attempt 2'])
    const ask = align(a, b)[2]
    expect(deltas(ask, 0).latency).toBe(-100)
    expect(changed(ask, 0)).toBe(true)
    expect(changed(align(a, b)[1], 0)).toBe(false)
  })
})

describe('attempts', () => {
  it('tells how a retry went on', () => {
    const rows = [row({ id: 'r', name: 'retry', start_time: at(0), end_time: at(1000) }),
      row({ id: 'one', parent_run_id: 'r', tags: ['retry:attempt:1'], start_time: at(0), end_time: at(400) }), row({ id: 'p', name: 'parse', parent_run_id: 'one', start_time: at(300), end_time: at(400), error: 'Bad: x', status: 'error' }),
      row({ id: 'two', parent_run_id: 'r', name: 'two', tags: ['retry:attempt:2'], start_time: at(700), end_time: at(1000) })]
    const t = build(rows)
    expect(attempts(t.byId.get('p') as never, t.start).map((s) => s.text)).toEqual(['attempt 1 · parse failed', 'back-off before the next attempt', 'attempt 2 · two ok'])
  })
})

describe('the time scale', () => {
  it('places times and ticks', () => {
    const s = makeScale(0, 5020, 0)
    expect(s.x(2510)).toBeCloseTo(0.5)
    expect(s.time(0.5)).toBeCloseTo(2510)
    expect(s.ticks.map((t) => t.label)).toEqual(['0', '1 s', '2 s', '3 s', '4 s', '5 s'])
    expect(tickLabel(250, 50)).toBe('250 ms')
    expect([7_200_000, 172_800_000].map((ms) => tickLabel(ms, ms))).toEqual(['2 h', '2 days'])
  })
  it('cuts gaps and finds the way back', () => {
    const s = makeScale(0, 1000, 0, [{ from: 200, to: 800 }])
    expect(s.x(1000)).toBeCloseTo(1)
    expect(s.x(200)).toBeCloseTo(0.494, 2)
    expect(s.time(s.x(900))).toBeCloseTo(900, 0)
  })
  it('finds where nothing works', () => {
    expect(idleGaps(tree([['a', 0, 100], ['b', 50, 200], ['c', 800, 1000]]), 0).map((g) => g.to - g.from)).toEqual([600])
  })
})

describe('the stream', () => {
  it('reads events however they are cut', () => {
    const text = ': hello\n\nevent: runs\nid: 7\ndata: {"runs":\ndata: []}\n\nevent: resync\ndata:\n\n'
    for (let cut = 1; cut < text.length; cut++) {
      const reader = new EventReader()
      const found = [...reader.read(text.slice(0, cut)), ...reader.read(text.slice(cut))]
      expect(found).toEqual([{ event: 'runs', data: '{"runs":\n[]}', id: '7' }, { event: 'resync', data: '', id: '7' }])
    }
  })
})

describe('addresses', () => {
  const of = (url: string) => {
    const u = new URL(url, 'http://x')
    return placeOf(u.pathname, u.searchParams)
  }
  it('name their screen', () => {
    expect(of('/')).toMatchObject({ screen: 'projects' })
    expect(of('/p/a%2Fb/traces')).toMatchObject({ screen: 'traces', project: 'a/b' })
    expect(of('/p/1/t/2?run=3')).toMatchObject({ screen: 'trace', project: '1', trace: '2' })
    expect(of('/o/t/projects/p/1/r/9?trace_id=2')).toMatchObject({ screen: 'trace', project: '1', trace: '2' })
    expect(of('/public/tok/r')).toMatchObject({ screen: 'public', token: 'tok' })
    expect(of('/p/1/javascript:alert(1)')).toMatchObject({ screen: 'unknown' })
    expect(of('/p/%E0%A4%A')).toMatchObject({ screen: 'unknown' })
    expect(to.trace('a/b', 't', 'r')).toBe('/p/a%2Fb/t/t?run=r')
  })
})

describe('sums and charts', () => {
  const buckets = [{ start: at(0), group: 'a', run_count: 1, error_count: 1, latency_p50: 1, total_cost: '0.5' }, { start: at(1), group: 'a', run_count: 3, latency_p50: 2, total_cost: 1 }, { start: at(0), group: 'b', run_count: 9 }]
  it('adds buckets up', () => {
    expect(merge(buckets.slice(0, 2))).toMatchObject({ run_count: 4, error_rate: 0.25, latency_p50: 1.75, total_cost: 1.5 })
    expect(groups(buckets).map((g) => [g.name, g.run_count])).toEqual([['b', 9], ['a', 4]])
  })
  it('breaks a line where nothing is known', () => {
    expect(line([1, null, 1, 1], 1).match(/M/g)).toHaveLength(2)
    expect(area([1, null, 1, 1], 1).match(/Z/g)).toHaveLength(2)
    expect(axis(0)).toEqual([0, 1 / 3, 2 / 3, 1])
  })
})

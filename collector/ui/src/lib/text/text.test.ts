import { describe, expect, it } from 'vitest'
import payloads from '../../../dev/payloads.json'
import { lines, wrap } from '../json/lines'
import { colour } from '../json/colour'
import { diff, stretches } from './diff'
import { markdown, safeHref, type Block, type Inline } from './markdown'
import { messages, saying } from './messages'

const said = (items: Inline[]): string => items.map((i) => ('inside' in i ? said(i.inside) : 'text' in i ? i.text : '\n')).join('')

describe('markdown', () => {
  const kinds = (text: string) => markdown(text).map((b) => b.kind)
  it('knows its blocks', () => {
    expect(kinds('# T\n\ntext\nmore\n\n- a\n- b\n\n1. x\n2. y\n\n> q\n\n---\n\n```js\ncode\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |')).toEqual(['heading', 'paragraph', 'list', 'list', 'quote', 'rule', 'code', 'table'])
  })
  it('knows its spans', () => {
    const [p] = markdown('a **b** *c* `d` [e](https://x.y/) ~~f~~') as [Extract<Block, { kind: 'paragraph' }>]
    expect(p.inside.map((i) => i.kind)).toEqual(['text', 'strong', 'text', 'em', 'text', 'code', 'text', 'link', 'text', 'del'])
  })
  it('leaves names with underscores and lone marks alone', () => {
    expect(markdown('snake_case_name and 2 * 3 * 4')).toEqual([{ kind: 'paragraph', inside: [{ kind: 'text', text: 'snake_case_name and 2 * 3 * 4' }] }])
  })
  it('links to the web and mail only', () => {
    for (const bad of ['javascript:alert(1)', 'JaVaScRiPt:alert(1)', 'java\nscript:alert(1)', 'vbscript:x', 'data:text/html,x', '//evil', 'file:///etc/passwd', 'blob:http://x/y']) expect(safeHref(bad)).toBe(null)
    expect(safeHref('https://a.b/c')).toBe('https://a.b/c')
    expect(safeHref('mailto:a@b.c')).toBe('mailto:a@b.c')
  })
  it('names pictures instead of loading them', () => {
    const [p] = markdown('![x](https://evil/?q=secret)') as [Extract<Block, { kind: 'paragraph' }>]
    expect(p.inside[0]).toEqual({ kind: 'image', text: 'x', href: 'https://evil/?q=secret' })
  })
  it('keeps every payload as text', () => {
    for (const text of payloads) {
      const walk = (items: Inline[]): void => items.forEach((i) => {
        if (i.kind === 'link') expect(i.href).toMatch(/^(https?|mailto):/)
        if ('inside' in i) walk(i.inside)
      })
      for (const b of markdown(text)) if (b.kind === 'paragraph' || b.kind === 'heading') walk(b.inside)
    }
  })
  it('is not slow on hostile text', () => {
    const begun = performance.now()
    for (const text of ['['.repeat(20_000), '*'.repeat(20_000), '_a'.repeat(20_000), '> '.repeat(5000), '`'.repeat(20_001), '- '.repeat(5000), '![a]('.repeat(5000), '|'.repeat(5000) + '\n' + '|-'.repeat(5000), ('  '.repeat(50) + '- x\n').repeat(500)]) markdown(text)
    expect(performance.now() - begun).toBeLessThan(3000)
  })
  it('shows all the words', () => {
    const [p] = markdown('a [b **c**](https://x.y/) d') as [Extract<Block, { kind: 'paragraph' }>]
    expect(said(p.inside)).toBe('a b c d')
  })
})

describe('messages', () => {
  it.each([
    [{ messages: [{ role: 'user', content: 'hi' }] }, ['human hi']],
    [{ messages: [[{ lc: 1, type: 'constructor', id: ['langchain', 'schema', 'SystemMessage'], kwargs: { content: 'rules' } }]] }, ['system rules']],
    [{ messages: [['human', 'hi']] }, ['human hi']],
    [{ generations: [[{ text: 'yes', message: { type: 'ai', content: 'yes' } }]] }, ['ai yes']],
    [{ choices: [{ index: 0, message: { role: 'assistant', content: 'yes' } }] }, ['ai yes']],
    [{ type: 'human', data: { content: 'hi' } }, ['human hi']],
    [{ role: 'user', content: [{ type: 'text', text: 'see' }, { type: 'image_url', image_url: {} }] }, ['human see[image_url]']],
    [{ question: 'hi' }, []],
    [null, []],
    ['text', []],
  ])('finds them in %j', (payload, expected) => {
    expect(messages(payload).map((m) => `${m.role} ${m.parts.map((p) => (p.kind === 'text' ? p.text : `[${p.label}]`)).join('')}`)).toEqual(expected)
  })
  it('reads tool calls of three makers', () => {
    const args = (m: unknown) => messages(m)[0].toolCalls.map((c) => [c.name, c.args])
    expect(args({ type: 'ai', content: '', tool_calls: [{ name: 'f', args: { a: 1 } }] })).toEqual([['f', { a: 1 }]])
    expect(args({ role: 'assistant', content: null, tool_calls: [{ id: '1', function: { name: 'f', arguments: '{"a":1}' } }] })).toEqual([['f', { a: 1 }]])
    expect(args({ role: 'assistant', content: [{ type: 'tool_use', name: 'f', input: { a: 1 } }] })).toEqual([['f', { a: 1 }]])
    expect(args({ role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: '{"a":' } }] })).toEqual([['f', '{"a":']])
  })
  it('says a payload in a line', () => {
    expect(saying({ question: 'why' }, 'in')).toBe('why')
    expect(saying({ answer: 'so', sources: [1] }, 'out')).toBe('so')
    expect(saying({ a: 1, b: 2 }, 'out')).toBe('{"a":1,"b":2}')
  })
  it('is not misled by roles that are names of prototypes', () => {
    expect(messages({ role: 'constructor', content: 'x' })).toEqual([])
    expect(messages({ role: '__proto__', content: 'x' })).toEqual([])
  })
})

describe('json lines', () => {
  const none = { turned: new Set<string>(), whole: new Set<string>() }
  const text = (value: unknown, opened = none) => lines(value, opened).map((l) => ' '.repeat(l.depth) + l.pieces.map((p) => p.text).join('')).join('\n')
  it('reads like JSON', () => {
    expect(text({ a: [1, 'x', null], b: {} })).toBe('{\n  "a": [\n    1,\n    "x",\n    null\n  ],\n  "b": {}\n}')
  })
  it('folds long lists and opens them in ranges', () => {
    const list = Array.from({ length: 1200 }, (_, i) => i)
    expect(lines({ list }, none)).toHaveLength(3)
    const opened = lines({ list }, { ...none, turned: new Set(['$/list']) })
    expect(opened).toHaveLength(3 + 1 + 3 + 500)
  })
  it('cuts long text until it is asked for', () => {
    const long = 'x'.repeat(1000)
    expect(lines(long, none)[0].more).toBe(760)
    expect(lines(long, { ...none, whole: new Set(['$']) })).toHaveLength(1 + 7)
    expect(wrap('a\n' + '𝄞'.repeat(100), 161).every((l) => l.length <= 161 && !/[\ud800-\udbff]$/.test(l))).toBe(true)
  })
  it('tells keys apart that look like paths', () => {
    const value = { 'a/b': [[1]], a: { b: [[2]] } }
    expect(new Set(lines(value, none).map((l) => l.path).filter((p) => p !== null)).size).toBe(lines(value, none).filter((l) => l.path !== null).length)
  })
  it('takes ten megabytes and a hundred thousand keys in stride', () => {
    const big = { text: 'y'.repeat(10_000_000), keys: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i])) }
    const begun = performance.now()
    lines(big, none)
    lines(big, { ...none, turned: new Set(['$/keys']) })
    expect(performance.now() - begun).toBeLessThan(500)
  })
  it('takes a value ten thousand levels deep', () => {
    let deep: unknown = 1
    for (let i = 0; i < 10_000; i++) deep = [deep]
    expect(lines(deep, none).length).toBeLessThan(20)
  })
})

describe('colour', () => {
  it('keeps every character', () => {
    for (const text of ['{"a": [1, -2.5e3, true, null], "b": "x: \\"y\\""}', '{ "half": "done', 'plain', '']) expect(colour(text).map((p) => p.text).join('')).toBe(text)
    expect(colour('{"a": 1}').map((p) => p.kind)).toEqual(['mark', 'key', 'mark', 'mark', 'number', 'mark'])
  })
})

describe('diff', () => {
  const marks = (a: string, b: string) => {
    const d = diff(a, b)
    const show = (all: typeof d.a) => all.map((l) => l.bits.map((x) => (x.changed ? `[${x.text}]` : x.text)).join(''))
    return [show(d.a), show(d.b)]
  }
  it('marks words within lines, and whole lines', () => {
    expect(marks('{\n"a": 1\n}', '{\n"a": 2\n}')).toEqual([['{', '"a": [1]', '}'], ['{', '"a": [2]', '}']])
    expect(marks('a\nc', 'a\nb\nc')).toEqual([['a', 'c'], ['a', '[b]', 'c']])
    expect(diff('same', 'same').same).toBe(true)
  })
  it('folds what is the same in between', () => {
    const a = Array.from({ length: 40 }, (_, i) => `line ${i}`)
    const d = diff(a.join('\n'), a.map((l, i) => (i === 20 ? 'other' : l)).join('\n'))
    expect(stretches(d.a)).toEqual([{ from: 0, to: 17, folded: true }, { from: 17, to: 24, folded: false }, { from: 24, to: 40, folded: true }])
    expect(stretches(d.b)).toEqual(stretches(d.a))
  })
  it('gives up on size before it is slow', () => {
    const a = Array.from({ length: 20_000 }, (_, i) => `a${i}`).join('\n')
    const b = Array.from({ length: 20_000 }, (_, i) => `b${i}`).join('\n')
    const begun = performance.now()
    diff(a, b)
    expect(performance.now() - begun).toBeLessThan(3000)
  })
})

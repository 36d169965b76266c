/**
 * A value as lines for a virtual list. Only opened containers are walked, long lists come in ranges,
 * long text is cut until it is asked for: ten megabytes cost what is on the screen.
 */

export type Piece = { kind: 'key' | 'string' | 'number' | 'literal' | 'mark' | 'note'; text: string }

export interface Line {
  depth: number
  pieces: Piece[]
  /** The place that a click opens or closes; null for a line that only is. */
  path: string | null
  open: boolean
  /** A cut text: what "show all" asks for. */
  cut: string | null
  more: number
}

export const RANGE = 500
export const TEXT = 240
export const WIDTH = 160

export interface Opened {
  /** Places that differ from how they are at first. */
  turned: ReadonlySet<string>
  /** Texts shown whole. */
  whole: ReadonlySet<string>
}

const INDENT = 2

export function lines(value: unknown, opened: Opened, most = 400_000): Line[] {
  const found: Line[] = []
  add(found, value, '$', 0, [], '', opened, most, { budget: 300 })
  return found
}

const step = (path: string, key: string | number) => `${path}/${String(key).replace(/~/g, '~0').replace(/\//g, '~1')}`

function add(found: Line[], value: unknown, path: string, depth: number, lead: Piece[], comma: string, opened: Opened, most: number, first: { budget: number }) {
  if (found.length >= most) return
  if (typeof value !== 'object' || value === null) {
    scalar(found, value, path, depth, lead, comma, opened)
    return
  }
  const list = Array.isArray(value)
  const [from, to] = list ? ['[', ']'] : ['{', '}']
  const keys = list ? null : Object.keys(value)
  const size = list ? value.length : (keys as string[]).length
  if (size === 0) {
    found.push(line(depth, [...lead, mark(from + to + comma)]))
    return
  }
  const atFirst = depth < 4 && (depth === 0 || size <= 40) && first.budget > 0
  first.budget -= size
  const open = opened.turned.has(path) !== atFirst
  if (!open) {
    found.push({ ...line(depth, [...lead, mark(from), note(`${size} ${list ? 'item' : 'key'}${size === 1 ? '' : 's'}`), mark(to + comma)]), path })
    return
  }
  found.push({ ...line(depth, [...lead, mark(from)]), path, open: true })
  if (size <= RANGE) {
    for (let i = 0; i < size; i++) child(i, depth + 1)
  } else {
    for (let start = 0; start < size; start += RANGE) {
      const end = Math.min(start + RANGE, size)
      const place = `${path}~${start}`
      const shown = opened.turned.has(place) !== (start === 0)
      found.push({ ...line(depth + 1, [note(`${start} … ${end - 1}`)]), path: place, open: shown })
      if (shown) for (let i = start; i < end; i++) child(i, depth + 2)
    }
  }
  found.push(line(depth, [mark(to + comma)]))

  function child(i: number, at: number) {
    const last = i === size - 1 ? '' : ','
    if (keys) {
      const key = keys[i]
      const shown = key.length > TEXT ? `${key.slice(0, TEXT)}…` : key
      add(found, (value as Record<string, unknown>)[key], step(path, key), at, [{ kind: 'key', text: JSON.stringify(shown) }, mark(': ')], last, opened, most, first)
    } else {
      add(found, (value as unknown[])[i], step(path, i), at, [], last, opened, most, first)
    }
  }
}

function scalar(found: Line[], value: unknown, path: string, depth: number, lead: Piece[], comma: string, opened: Opened) {
  if (typeof value !== 'string') {
    const kind = typeof value === 'number' ? 'number' : 'literal'
    found.push(line(depth, [...lead, { kind, text: String(value) }, mark(comma)]))
    return
  }
  if (value.length <= TEXT) {
    found.push(line(depth, [...lead, { kind: 'string', text: JSON.stringify(value) }, mark(comma)]))
    return
  }
  if (!opened.whole.has(path)) {
    found.push({ ...line(depth, [...lead, { kind: 'string', text: JSON.stringify(value.slice(0, TEXT)).slice(0, -1) + '…' }]), cut: path, more: value.length - TEXT })
    return
  }
  found.push({ ...line(depth, [...lead, note(`text of ${value.length.toLocaleString('en-US')} characters`)]), cut: path, more: 0 })
  for (const part of wrap(value)) found.push(line(depth + 1, [{ kind: 'string', text: part }]))
}

/** Text in lines no longer than the list can show. */
export function wrap(text: string, width = WIDTH): string[] {
  const found: string[] = []
  for (const own of text.split('\n')) {
    if (own.length <= width) {
      found.push(own)
      continue
    }
    for (let at = 0; at < own.length;) {
      let to = Math.min(at + width, own.length)
      // A pair of surrogates stays together.
      if (to < own.length && own.charCodeAt(to - 1) >= 0xd800 && own.charCodeAt(to - 1) < 0xdc00) to--
      found.push(own.slice(at, to))
      at = to
    }
  }
  return found
}

const mark = (text: string): Piece => ({ kind: 'mark', text })
const note = (text: string): Piece => ({ kind: 'note', text })

function line(depth: number, pieces: Piece[]): Line {
  return { depth: depth * INDENT, pieces: pieces.filter((p) => p.text !== ''), path: null, open: false, cut: null, more: 0 }
}

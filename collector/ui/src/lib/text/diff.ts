/** What differs between two texts: lines first, then words within lines that stand for each other. */

export interface Bit {
  text: string
  changed: boolean
}

export interface DiffLine {
  bits: Bit[]
  changed: boolean
}

const MOST = 1500

/** Longest common sequence as pairs of positions; beyond the size that pays, only equal ends are paired. */
export function common<T>(a: readonly T[], b: readonly T[], most = MOST): [number, number][] {
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++
  const pairs: [number, number][] = []
  for (let i = 0; i < head; i++) pairs.push([i, i])
  const n = a.length - head - tail
  const m = b.length - head - tail
  if (n > 0 && m > 0 && n <= most && m <= most) {
    const best = new Uint16Array((n + 1) * (m + 1))
    const w = m + 1
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) {
        best[i * w + j] = a[head + i] === b[head + j] ? best[(i + 1) * w + j + 1] + 1 : Math.max(best[(i + 1) * w + j], best[i * w + j + 1])
      }
    }
    let i = 0
    let j = 0
    while (i < n && j < m) {
      if (a[head + i] === b[head + j]) pairs.push([head + i++, head + j++])
      else if (best[(i + 1) * w + j] >= best[i * w + j + 1]) i++
      else j++
    }
  }
  for (let i = tail; i > 0; i--) pairs.push([a.length - i, b.length - i])
  return pairs
}

export function diff(a: string, b: string): { a: DiffLine[]; b: DiffLine[]; same: boolean } {
  const left = a.split('\n')
  const right = b.split('\n')
  const found = { a: left.map(plain), b: right.map(plain), same: a === b }
  if (found.same) return found
  let i = 0
  let j = 0
  for (const [x, y] of [...common(left, right), [left.length, right.length]]) {
    const both = Math.min(x - i, y - j)
    for (let k = 0; k < x - i; k++) found.a[i + k] = whole(left[i + k])
    for (let k = 0; k < y - j; k++) found.b[j + k] = whole(right[j + k])
    for (let k = 0; k < both; k++) {
      const [one, other] = words(left[i + k], right[j + k])
      found.a[i + k] = { bits: one, changed: true }
      found.b[j + k] = { bits: other, changed: true }
    }
    i = x + 1
    j = y + 1
  }
  return found
}

export interface Stretch {
  from: number
  to: number
  /** All the same on both sides, and long: told of by its length. */
  folded: boolean
}

/** Changed lines with a few lines around them; what is the same in between is folded. */
export function stretches(lines: DiffLine[], around = 3): Stretch[] {
  const near = new Uint8Array(lines.length)
  lines.forEach((line, i) => {
    if (line.changed) near.fill(1, Math.max(0, i - around), Math.min(lines.length, i + around + 1))
  })
  const found: Stretch[] = []
  for (let i = 0; i < lines.length;) {
    let to = i
    while (to < lines.length && near[to] === near[i]) to++
    found.push({ from: i, to, folded: near[i] === 0 && to - i > 4 })
    i = to
  }
  return found
}

const plain = (text: string): DiffLine => ({ bits: [{ text, changed: false }], changed: false })
const whole = (text: string): DiffLine => ({ bits: [{ text, changed: true }], changed: true })

function words(a: string, b: string): [Bit[], Bit[]] {
  const left = a.match(/\w+|\s+|[^\w\s]/g) ?? []
  const right = b.match(/\w+|\s+|[^\w\s]/g) ?? []
  const pairs = common(left, right, 400)
  return [bits(left, new Set(pairs.map((p) => p[0]))), bits(right, new Set(pairs.map((p) => p[1])))]
}

function bits(parts: readonly string[], same: Set<number>): Bit[] {
  const found: Bit[] = []
  parts.forEach((text, i) => {
    const changed = !same.has(i)
    const last = found[found.length - 1]
    if (last && last.changed === changed) last.text += text
    else found.push({ text, changed })
  })
  return found
}

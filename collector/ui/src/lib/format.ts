/** Numbers as the pages show them. A quantity keeps its unit apart, because the unit is set smaller. */

export interface Quantity {
  value: string
  unit: string
}

export const MISSING = '–'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export function count(n: number | null | undefined): string {
  return n == null ? MISSING : whole.format(n)
}

/** Under a second whole milliseconds, above two decimals, from 100 s on minutes. */
export function duration(ms: number | null | undefined): Quantity {
  if (ms == null || !Number.isFinite(ms)) return { value: MISSING, unit: '' }
  const sign = ms < 0 ? '−' : ''
  const size = Math.abs(ms)
  if (size < 999.5) return { value: sign + Math.round(size), unit: 'ms' }
  if (size < 99_995) return { value: sign + (size / 1000).toFixed(2), unit: 's' }
  if (size < 3_600_000) return { value: sign + (size / 60_000).toFixed(1), unit: 'min' }
  if (size < 172_800_000) return { value: sign + (size / 3_600_000).toFixed(1), unit: 'h' }
  return { value: sign + (size / 86_400_000).toFixed(1), unit: 'days' }
}

export function together({ value, unit }: Quantity): string {
  return unit === '' ? value : `${value} ${unit}`
}

export const durationText = (ms: number | null | undefined) => together(duration(ms))

/** A decimal that may come as text. */
export function number(n: number | string | null | undefined): number | null {
  if (n == null || n === '') return null
  const found = Number(n)
  return Number.isFinite(found) ? found : null
}

export function cost(n: number | string | null | undefined, decimals = 4): string {
  const found = number(n)
  if (found == null) return MISSING
  const sign = found < 0 ? '−' : ''
  return `${sign}$${Math.abs(found).toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })}`
}

/** Large sums, short: 200.4 M. */
export function compact(n: number | null | undefined): Quantity {
  if (n == null) return { value: MISSING, unit: '' }
  if (Math.abs(n) >= 1e9) return { value: (n / 1e9).toFixed(1), unit: 'B' }
  if (Math.abs(n) >= 1e6) return { value: (n / 1e6).toFixed(1), unit: 'M' }
  if (Math.abs(n) >= 1e5) return { value: (n / 1e3).toFixed(1), unit: 'k' }
  return { value: whole.format(n), unit: '' }
}

export function bytes(n: number | null | undefined): Quantity {
  if (n == null) return { value: MISSING, unit: '' }
  for (const [size, unit] of [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']] as const) {
    if (n >= size) return { value: (n / size).toFixed(1), unit }
  }
  return { value: String(n), unit: 'B' }
}

/** A rate between 0 and 1. */
export function percent(rate: number | null | undefined): Quantity {
  if (rate == null || !Number.isFinite(rate)) return { value: MISSING, unit: '' }
  const p = rate * 100
  return { value: p === 0 ? '0' : p < 10 ? p.toFixed(2) : p.toFixed(1), unit: '%' }
}

export function ago(then: number | null, now: number): string {
  if (then == null) return MISSING
  const s = Math.round((now - then) / 1000)
  if (s < 3) return 'now'
  if (s < 60) return `${s} s ago`
  if (s < 3600) return `${Math.floor(s / 60)} min ago`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`
  const days = Math.floor(s / 86_400)
  return days === 1 ? '1 day ago' : `${days} days ago`
}

const two = (n: number) => String(n).padStart(2, '0')

export function clock(time: number | null, millis = false): string {
  if (time == null) return MISSING
  const d = new Date(time)
  const base = `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
  return millis ? `${base}.${String(d.getMilliseconds()).padStart(3, '0')}` : base
}

export function hour(time: number): string {
  const d = new Date(time)
  return `${two(d.getHours())}:${two(d.getMinutes())}`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function day(time: number): string {
  const d = new Date(time)
  return `${d.getDate()} ${months[d.getMonth()]}`
}

export function date(time: number | null): string {
  return time == null ? MISSING : `${day(time)} ${new Date(time).getFullYear()}`
}

/** ISO text to milliseconds; text without a zone is UTC, microseconds are kept as a fraction. */
export function time(text: string | number | null | undefined): number | null {
  if (text == null || text === '') return null
  if (typeof text === 'number') return text
  const zoned = /[zZ]$|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`
  const at = Date.parse(zoned)
  if (Number.isNaN(at)) return null
  const fraction = /\.\d{3}(\d{1,6})/.exec(zoned)
  return fraction ? at + Number(`0.${fraction[1]}`) : at
}

export const plural = (n: number, one: string, many = one + 's') => `${count(n)} ${n === 1 ? one : many}`

/** The next "round" number: 1, 2, 2.5 or 5 times a power of ten. */
export function roundUp(n: number): number {
  if (!(n > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(n))
  for (const step of [1, 2, 2.5, 5, 10]) if (n <= step * power * 1.000001) return step * power
  return 10 * power
}

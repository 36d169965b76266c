/** Stretches of time that lists and charts may cover. */

export interface Range {
  value: string
  text: string
  ms: number
  /** Width of a column of the histogram and of a dashboard's bucket, in seconds. */
  step: number
  bucket: number
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

export const RANGES: readonly Range[] = [
  { value: '15m', text: 'Last 15 min', ms: 15 * minute, step: 15, bucket: 30 },
  { value: '1h', text: 'Last 1 h', ms: hour, step: 60, bucket: 120 },
  { value: '6h', text: 'Last 6 h', ms: 6 * hour, step: 300, bucket: 600 },
  { value: '24h', text: 'Last 24 h', ms: day, step: 1200, bucket: 1800 },
  { value: '7d', text: 'Last 7 days', ms: 7 * day, step: 7200, bucket: 4 * 3600 },
  { value: '30d', text: 'Last 30 days', ms: 30 * day, step: 43_200, bucket: 86_400 },
  { value: 'all', text: 'All time', ms: 0, step: 86_400, bucket: 86_400 },
]

export interface Window {
  from: number | null
  until: number | null
  step: number
  bucket: number
  text: string
  value: string
}

/** `range=1h` counts back from now; `from=…&until=…` (milliseconds) is a fixed stretch, as a chart's column gives. */
export function windowOf(query: URLSearchParams, fallback: string, now: number): Window {
  const from = Number(query.get('from'))
  const until = Number(query.get('until'))
  if (from > 0 && until > from) {
    const step = Math.max(1, Math.ceil((until - from) / 60_000))
    return { from, until, step, bucket: step, text: '', value: '' }
  }
  const range = RANGES.find((r) => r.value === query.get('range')) ?? (RANGES.find((r) => r.value === fallback) as Range)
  return { from: range.ms === 0 ? null : now - range.ms, until: null, step: range.step, bucket: range.bucket, text: range.text, value: range.value }
}

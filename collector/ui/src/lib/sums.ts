/** Buckets added up. Percentiles cannot be added: the mean weighted by runs stands in, and is close where buckets are alike. */
import type { Bucket, Stats } from './api/types'
import { number } from './format'

const PERCENTILES = ['latency_p50', 'latency_p95', 'latency_p99', 'first_token_p50', 'first_token_p95'] as const

export function merge(buckets: Bucket[]): Stats & { error_count: number } {
  const sum = { run_count: 0, error_count: 0, total_tokens: 0, prompt_tokens: 0, completion_tokens: 0, total_cost: 0 }
  const means: Record<string, { of: number; runs: number }> = {}
  for (const b of buckets) {
    const runs = b.run_count ?? 0
    sum.run_count += runs
    sum.error_count += b.error_count ?? 0
    sum.total_tokens += b.total_tokens ?? 0
    sum.prompt_tokens += b.prompt_tokens ?? 0
    sum.completion_tokens += b.completion_tokens ?? 0
    sum.total_cost += number(b.total_cost) ?? 0
    for (const p of PERCENTILES) {
      const v = b[p]
      if (v == null) continue
      means[p] ??= { of: 0, runs: 0 }
      means[p].of += v * runs
      means[p].runs += runs
    }
  }
  const percentiles = Object.fromEntries(PERCENTILES.map((p) => [p, means[p]?.runs ? means[p].of / means[p].runs : null]))
  return { ...sum, error_rate: sum.run_count > 0 ? sum.error_count / sum.run_count : null, ...percentiles }
}

/** One line for each group, most runs first. */
export function groups(buckets: Bucket[]): (Stats & { name: string })[] {
  const found = new Map<string, Bucket[]>()
  for (const b of buckets) {
    const name = b.group ?? ''
    if (name === '') continue
    const list = found.get(name)
    if (list) list.push(b)
    else found.set(name, [b])
  }
  return [...found].map(([name, own]) => ({ name, ...merge(own) })).sort((a, b) => (b.run_count ?? 0) - (a.run_count ?? 0))
}

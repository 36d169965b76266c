/**
 * The query bar: `error:true run_type:llm latency>2s tag:prod metadata.tenant:t1 -name:ping "free text"`.
 * Text becomes terms with their place in the text; terms become chips and a filter expression.
 */

export type Op = ':' | '>' | '>=' | '<' | '<='

export interface Term {
  /** Empty for free text. */
  key: string
  op: Op
  value: string
  not: boolean
  /** Written in quotes: a comma in it is a comma. */
  quoted: boolean
  from: number
  to: number
  /** Why the collector would not understand it. */
  wrong?: string
}

export interface Key {
  name: string
  sample: string
  about: string
  values?: readonly string[]
}

const types = ['chain', 'llm', 'prompt', 'parser', 'tool', 'retriever', 'embedding'] as const
const yesNo = ['true', 'false'] as const

/** What completion offers, in this order. */
export const KEYS: readonly Key[] = [
  { name: 'error', sample: 'error:true', about: 'this run failed, not an inner one', values: yesNo },
  { name: 'errors_inside', sample: 'errors_inside>0', about: 'any run below it failed' },
  { name: 'status', sample: 'status:running', about: 'running, ok, error, cancelled, truncated', values: ['running', 'ok', 'error', 'cancelled', 'truncated'] },
  { name: 'run_type', sample: 'run_type:llm', about: types.join(', '), values: types },
  { name: 'name', sample: 'name:support_agent', about: 'the whole name, or with * for any text' },
  { name: 'latency', sample: 'latency>2s', about: 'from start to end' },
  { name: 'ttft', sample: 'ttft>800ms', about: 'time to first token' },
  { name: 'tag', sample: 'tag:prod', about: 'one of its tags' },
  { name: 'metadata', sample: 'metadata.tenant:t1', about: 'an entry of its metadata' },
  { name: 'tokens', sample: 'tokens>1000', about: 'tokens in and out' },
  { name: 'cost', sample: 'cost>0.01', about: 'in dollars' },
  { name: 'feedback', sample: 'feedback.helpful<1', about: 'a feedback score' },
  { name: 'thread', sample: 'thread:th_1', about: 'its conversation' },
  { name: 'orphan', sample: 'orphan:true', about: 'its parent never came', values: yesNo },
  { name: 'input', sample: 'input.question:hello', about: 'a field of its inputs' },
  { name: 'output', sample: 'output.answer:yes', about: 'a field of its outputs' },
  { name: 'id', sample: 'id:01998c52', about: 'the id of a run' },
  { name: 'trace', sample: 'trace:01998c52', about: 'the id of a trace' },
]

const paired = ['metadata', 'feedback', 'input', 'output']
const known = new Set(KEYS.map((k) => k.name))
const aliases: Record<string, string> = { type: 'run_type', tags: 'tag', thread_id: 'thread', total_tokens: 'tokens', total_cost: 'cost', trace_id: 'trace', first_token_latency: 'ttft' }

const KEY = /^([A-Za-z_][\w]*(?:\.[^\s:<>="]+)?)(:|>=|<=|>|<)/

export function parse(text: string): Term[] {
  const terms: Term[] = []
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text[at])) {
      at++
      continue
    }
    const from = at
    const not = text[at] === '-' && at + 1 < text.length && !/\s/.test(text[at + 1])
    if (not) at++
    const head = KEY.exec(text.slice(at))
    let key = ''
    let op: Op = ':'
    if (head && (known.has(base(head[1])) || head[1] in aliases)) {
      key = aliases[head[1]] ?? head[1]
      op = head[2] as Op
      at += head[0].length
    }
    const quoted = text[at] === '"'
    const [value, end] = word(text, at)
    at = end
    if (key === '' && value === '') continue
    const term: Term = { key, op, value, not, quoted, from, to: at }
    const wrong = complaint(term)
    if (wrong) term.wrong = wrong
    terms.push(term)
  }
  return terms
}

const base = (key: string) => {
  const dot = key.indexOf('.')
  return dot < 0 ? key : key.slice(0, dot)
}

function word(text: string, at: number): [string, number] {
  if (text[at] !== '"') {
    const end = /\s/.exec(text.slice(at))
    const to = end ? at + end.index : text.length
    return [text.slice(at, to), to]
  }
  let value = ''
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\' && i + 1 < text.length) value += text[++i]
    else if (text[i] === '"') return [value, i + 1]
    else value += text[i]
  }
  return [value, text.length]
}

function complaint(term: Term): string | undefined {
  if (term.value === '') return `${term.key} needs a value`
  const kind = base(term.key)
  if (paired.includes(kind) && !term.key.includes('.')) return `say which: ${kind}.name`
  if ((kind === 'latency' || kind === 'ttft') && seconds(term.value) == null) return `${term.value} is not a time; write 2s or 800ms`
  if (['tokens', 'cost', 'errors_inside'].includes(kind) && !Number.isFinite(Number(term.value))) return `${term.value} is not a number`
  if ((kind === 'error' || kind === 'orphan') && !yesNo.includes(term.value as never)) return `${kind} is true or false`
  return undefined
}

/** `800ms`, `2s`, `1.5m`, `1h` or plain seconds. */
export function seconds(text: string): number | null {
  const found = /^(\d+(?:\.\d+)?)(ms|s|m|min|h)?$/.exec(text)
  if (!found) return null
  const size = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600 }[found[2] ?? 's'] as number
  return Number((Number(found[1]) * size).toPrecision(12))
}

const CALLS: Record<Op, string> = { ':': 'eq', '>': 'gt', '>=': 'gte', '<': 'lt', '<=': 'lte' }
const STATUS: Record<string, string> = { running: 'pending', ok: 'success' }
const FIELDS: Record<string, string> = { latency: 'latency', ttft: 'first_token_latency', tokens: 'total_tokens', cost: 'total_cost', thread: 'thread_id', trace: 'trace_id' }

const quote = (text: string) => JSON.stringify(text)

const literal = (text: string) => (/^-?\d+(\.\d+)?$/.test(text) || text === 'true' || text === 'false' ? text : quote(text))

function termFilter(term: Term): string {
  const { key, op, value } = term
  const call = CALLS[op]
  const kind = base(key)
  const rest = key.slice(kind.length + 1)
  switch (kind) {
    case '': return `search(${quote(value)})`
    case 'error': return value === 'true' ? 'eq(status, "error")' : 'neq(status, "error")'
    case 'orphan': return `eq(is_orphan, ${value})`
    case 'errors_inside': return `${call}(errors_inside, ${value})`
    case 'latency': case 'ttft': return `${call}(${FIELDS[kind]}, ${seconds(value)})`
    case 'tokens': case 'cost': return `${call}(${FIELDS[kind]}, ${Number(value)})`
    case 'tag': return any(term, (v) => `has(tags, ${quote(v)})`)
    case 'status': return any(term, (v) => `eq(status, ${quote(STATUS[v] ?? v)})`)
    case 'metadata': return `and(eq(metadata_key, ${quote(rest)}), ${call}(metadata_value, ${op === ':' ? quote(value) : literal(value)}))`
    case 'feedback': return `and(eq(feedback_key, ${quote(rest)}), ${call}(feedback_score, ${literal(value)}))`
    case 'input': return `and(eq(input_key, ${quote(rest)}), ${call}(input_value, ${quote(value)}))`
    case 'output': return `and(eq(output_key, ${quote(rest)}), ${call}(output_value, ${quote(value)}))`
    case 'name': return value.includes('*') ? `like(name, ${quote(value.replace(/([%_])/g, '\\$1').replaceAll('*', '%'))})` : `eq(name, ${quote(value)})`
    default: {
      const field = FIELDS[kind] ?? kind
      return op === ':' && !term.quoted && value.includes(',') ? `in(${field}, [${value.split(',').map(quote).join(', ')}])` : `${call}(${field}, ${quote(value)})`
    }
  }
}

function any(term: Term, one: (v: string) => string): string {
  const all = (term.quoted ? [term.value] : term.value.split(',').filter((v) => v !== '')).map(one)
  return all.length === 1 ? all[0] : all.length === 0 ? one(term.value) : `or(${all.join(', ')})`
}

/** The expression for the collector; undefined when nothing is asked. Wrong terms are left out, the bar tells of them. */
export function filter(terms: Term[], ...more: string[]): string | undefined {
  const all = terms.filter((t) => !t.wrong).map((t) => (t.not ? `not(${termFilter(t)})` : termFilter(t)))
  all.push(...more)
  return all.length === 0 ? undefined : all.length === 1 ? all[0] : `and(${all.join(', ')})`
}

const WORDS: Record<Op, string> = { ':': '', '>': '> ', '>=': '≥ ', '<': '< ', '<=': '≤ ' }

export function chip(term: Term): { name: string; value: string } {
  if (term.key === '') return { name: term.not ? 'without text' : 'text', value: `"${term.value}"` }
  return { name: term.not ? `${term.key} is not` : term.key, value: WORDS[term.op] + term.value }
}

/** The text without one term, spaces closed. */
export function without(text: string, term: Term): string {
  return (text.slice(0, term.from).trimEnd() + ' ' + text.slice(term.to).trimStart()).trim()
}

const plain = (value: string) => (value === '' || /[\s",]/.test(value) ? quote(value) : value)

export function write(term: Pick<Term, 'key' | 'op' | 'value' | 'not'>): string {
  return (term.not ? '-' : '') + (term.key === '' ? quote(term.value) : term.key + term.op + plain(term.value))
}

/** What completion may offer for the word under the caret. */
export function complete(text: string, caret: number): { from: number; to: number; options: { text: string; about: string }[] } {
  let from = caret
  while (from > 0 && !/\s/.test(text[from - 1])) from--
  let to = caret
  while (to < text.length && !/\s/.test(text[to])) to++
  const part = text.slice(from, caret).replace(/^-/, '')
  const sign = text[from] === '-' ? '-' : ''
  const valued = /^([\w]+):(.*)$/.exec(part)
  if (valued) {
    const key = KEYS.find((k) => k.name === (aliases[valued[1]] ?? valued[1]))
    const options = (key?.values ?? []).filter((v) => v.startsWith(valued[2]) && v !== valued[2])
    return { from, to, options: options.map((v) => ({ text: `${sign}${key?.name}:${v}`, about: '' })) }
  }
  const begins = KEYS.filter((k) => k.name.startsWith(part))
  const options = [...begins, ...KEYS.filter((k) => part.length > 1 && !begins.includes(k) && k.about.includes(part))]
  return { from, to, options: options.map((k) => ({ text: sign + k.sample, about: k.about })) }
}

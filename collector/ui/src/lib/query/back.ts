/** A filter expression back to query text, so that a link made elsewhere shows as chips. Null when it says more than chips can. */
import { write } from './language'

type Value = string | number | boolean | null
type Arg = Call | { field: string } | { value: Value }
interface Call {
  call: string
  args: Arg[]
}

export function back(expression: string): string | null {
  try {
    const top = new Reader(expression).whole()
    const all = 'call' in top && top.call === 'and' && !pair(top) ? top.args : [top]
    return all.map((a) => term(a, false)).join(' ')
  } catch {
    return null
  }
}

class Reader {
  private at = 0
  constructor(private readonly text: string) {}

  whole(): Arg {
    const found = this.arg()
    this.space()
    if (this.at < this.text.length) throw new Error(`more text at ${this.at}`)
    return found
  }

  private space() {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++
  }

  private arg(): Arg {
    this.space()
    const rest = this.text.slice(this.at)
    const text = /^"(?:[^"\\]|\\.)*"/.exec(rest)
    if (text) {
      this.at += text[0].length
      return { value: JSON.parse(text[0]) as string }
    }
    const number = /^-?\d+(?:\.\d+)?/.exec(rest)
    if (number) {
      this.at += number[0].length
      return { value: Number(number[0]) }
    }
    const name = /^[A-Za-z][\w.]*/.exec(rest)
    if (!name) throw new Error(`no value at ${this.at}`)
    this.at += name[0].length
    if (name[0] === 'true' || name[0] === 'false') return { value: name[0] === 'true' }
    if (name[0] === 'null') return { value: null }
    this.space()
    if (this.text[this.at] !== '(') return { field: name[0] }
    this.at++
    const args: Arg[] = []
    for (;;) {
      this.space()
      if (this.text[this.at] === ')') break
      args.push(this.arg())
      this.space()
      if (this.text[this.at] === ',') this.at++
      else if (this.text[this.at] !== ')') throw new Error(`no end at ${this.at}`)
    }
    this.at++
    return { call: name[0], args }
  }
}

const OPS: Record<string, ':' | '>' | '>=' | '<' | '<='> = { eq: ':', gt: '>', gte: '>=', lt: '<', lte: '<=' }
const KEYS: Record<string, string> = { first_token_latency: 'ttft', total_tokens: 'tokens', total_cost: 'cost', thread_id: 'thread', trace_id: 'trace', is_orphan: 'orphan', tags: 'tag' }
const STATUS: Record<string, string> = { pending: 'running', success: 'ok' }

const isPair = (a: Arg): a is Call => 'call' in a && a.args.length === 2 && 'field' in a.args[0] && /_(key|value|score)$/.test(a.args[0].field)
const pair = (c: Call) => c.args.length === 2 && c.args.every(isPair)

function value(arg: Arg): Value {
  if ('value' in arg) return arg.value
  throw new Error('not a value')
}

function term(arg: Arg, not: boolean): string {
  if (!('call' in arg)) throw new Error('not a condition')
  const { call, args } = arg
  if (call === 'not' && args.length === 1) return term(args[0], !not)
  if (call === 'search' && args.length === 1) return write({ key: '', op: ':', value: String(value(args[0])), not })
  if (call === 'and' && pair(arg)) {
    const [key, other] = args as Call[]
    const group = (key.args[0] as { field: string }).field.replace(/_key$/, '')
    if (!(other.call in OPS)) throw new Error('not a comparison')
    return write({ key: `${group}.${value(key.args[1])}`, op: OPS[other.call], value: String(value(other.args[1])), not })
  }
  const [field, given] = args
  if (args.length !== 2 || !('field' in field)) throw new Error('not a condition')
  const v = value(given)
  const key = KEYS[field.field] ?? field.field
  if (key === 'status' && v === 'error') return write({ key: 'error', op: ':', value: 'true', not: (call === 'neq') !== not })
  if (call === 'neq') return write({ key, op: ':', value: String(v), not: !not })
  if (call === 'has' && key === 'tag') return write({ key, op: ':', value: String(v), not })
  if (call === 'like') return write({ key, op: ':', value: String(v).replace(/%/g, '*'), not })
  if (!(call in OPS)) throw new Error(`${call} has no chip`)
  const shown = key === 'status' ? (STATUS[String(v)] ?? String(v)) : key === 'latency' || key === 'ttft' ? `${v}s` : String(v)
  return write({ key, op: OPS[call], value: shown, not })
}

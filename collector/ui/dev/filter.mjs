// The filter language of /runs/query, for the development server: a value for each run, no index.

export function compile(text) {
  let at = 0
  const space = () => { while (/\s/.test(text[at] ?? '')) at++ }
  const arg = () => {
    space()
    const rest = text.slice(at)
    let m
    if ((m = /^"(?:[^"\\]|\\.)*"/.exec(rest))) { at += m[0].length; return { value: JSON.parse(m[0]) } }
    if ((m = /^-?\d+(\.\d+)?/.exec(rest))) { at += m[0].length; return { value: Number(m[0]) } }
    if (rest[0] === '[') {
      at++
      const values = []
      for (space(); text[at] !== ']'; space()) { values.push(arg().value); space(); if (text[at] === ',') at++ }
      at++
      return { value: values }
    }
    if (!(m = /^[A-Za-z][\w.]*/.exec(rest))) throw new Error(`expected a value at ${at}`)
    at += m[0].length
    if (['true', 'false', 'null'].includes(m[0])) return { value: JSON.parse(m[0]) }
    space()
    if (text[at] !== '(') return { field: m[0] }
    at++
    const args = []
    for (space(); text[at] !== ')'; space()) {
      if (at >= text.length) throw new Error('expected )')
      args.push(arg())
      space()
      if (text[at] === ',') at++
    }
    at++
    return { call: m[0], args }
  }
  const tree = arg()
  return (run) => test(tree, run)
}

const ms = (t) => (t ? Date.parse(t) : null)
const field = (run, name) => {
  if (name === 'latency') return run.end_time ? (ms(run.end_time) - ms(run.start_time)) / 1000 : null
  if (name === 'first_token_latency') return run.first_token_time ? (ms(run.first_token_time) - ms(run.start_time)) / 1000 : null
  if (name === 'is_root') return !run.parent_run_id
  return run[name] ?? null
}

const OPS = { eq: (a, b) => a === b || String(a) === String(b), neq: (a, b) => a !== b && String(a) !== String(b), gt: (a, b) => a != null && a > b, gte: (a, b) => a != null && a >= b, lt: (a, b) => a != null && a < b, lte: (a, b) => a != null && a <= b }

function test(node, run) {
  const { call, args } = node
  if (call === 'and') {
    const key = args.find((a) => a.args?.[0]?.field?.endsWith('_key'))
    const other = args.find((a) => /_(value|score)$/.test(a.args?.[0]?.field ?? ''))
    if (key && other) {
      const group = key.args[0].field.replace('_key', '')
      const entries = { metadata: run.extra?.metadata, input: run.inputs, output: run.outputs, feedback: run.feedback }[group] ?? {}
      return OPS[other.call](entries[key.args[1].value], other.args[1].value)
    }
    return args.every((a) => test(a, run))
  }
  if (call === 'or') return args.some((a) => test(a, run))
  if (call === 'not') return !test(args[0], run)
  if (call === 'search') return JSON.stringify([run.name, run.inputs, run.outputs, run.error]).toLowerCase().includes(String(args[args.length - 1].value).toLowerCase())
  if (call === 'has') return (run.tags ?? []).includes(args[1].value)
  if (call === 'in') return args[1].value.includes(field(run, args[0].field))
  if (call === 'like') return new RegExp('^' + String(args[1].value).replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/%/g, '.*') + '$', 'i').test(String(field(run, args[0].field)))
  if (call in OPS) return OPS[call](field(run, args[0].field), args[1].value)
  throw new Error(`unknown function ${call}`)
}

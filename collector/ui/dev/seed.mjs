// Sample data for the development server: projects and traces of every state, the same at each start.

import { readFileSync } from 'node:fs'

export const ids = {
  support: '10000000-0000-4000-8000-000000000001',
  staging: '10000000-0000-4000-8000-000000000002',
  evals: '10000000-0000-4000-8000-000000000003',
  fresh: '10000000-0000-4000-8000-000000000004',
  live: '20000000-0000-4000-8000-000000000001',
  big: '20000000-0000-4000-8000-000000000002',
  xss: '20000000-0000-4000-8000-000000000003',
  heavy: '20000000-0000-4000-8000-000000000004',
  late: '20000000-0000-4000-8000-000000000005',
  iceland: '20000000-0000-4000-8000-000000000006',
  agent: '20000000-0000-4000-8000-000000000007',
  deep: '20000000-0000-4000-8000-000000000008',
}

let state = 7
const random = () => ((state = (state * 1664525 + 1013904223) >>> 0) / 2 ** 32)
const pick = (list) => list[Math.floor(random() * list.length)]
const hex = (n) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join('')
export const uuid = () => `${hex(8)}-${hex(4)}-7${hex(3)}-8${hex(3)}-${hex(12)}`

const iso = (ms) => new Date(ms).toISOString()
const stamp = (ms, id) => `${iso(ms).replace(/[-:.]/g, '').replace('Z', '000Z')}${id}`

/** A maker of runs of one trace: `run(parent, name, type, from, to, more)`, times in ms after its start. */
export function trace(session, start, id = uuid()) {
  const all = []
  const run = (parent, name, type, from, to, more = {}) => {
    const own = more.id ?? (parent ? uuid() : id)
    const at = start + from
    const made = {
      id: own, trace_id: id, session_id: session, parent_run_id: parent?.id ?? null, name, run_type: type,
      status: to == null ? 'pending' : more.error ? 'error' : 'success',
      start_time: iso(at), end_time: to == null ? null : iso(start + to), first_token_time: null,
      prompt_tokens: null, completion_tokens: null, total_tokens: null, total_cost: null,
      dotted_order: parent ? `${parent.dotted_order}.${stamp(at, own)}` : stamp(at, own),
      error: null, tags: [], inputs: {}, outputs: to == null ? null : {}, extra: { metadata: {}, runtime: { sdk: 'runtree', version: '0.1.0', language: 'rust' } }, events: [],
      is_orphan: false, is_created: true, truncated: false, ...more,
    }
    if (more.first != null) made.first_token_time = iso(start + more.first)
    delete made.first
    all.push(made)
    return made
  }
  return { id, all, run }
}

const llm = (model, tokensIn, tokensOut, messages, answer, extra = {}) => ({
  model, prompt_tokens: tokensIn, completion_tokens: tokensOut, total_tokens: tokensIn + tokensOut,
  total_cost: Number(((tokensIn * 0.15 + tokensOut * 12) / 1e6).toFixed(6)),
  inputs: { messages, stream: true },
  outputs: answer == null ? null : { generations: [[{ text: answer, message: { type: 'ai', content: answer } }]], llm_output: { finish_reason: 'stop' } },
  extra: { metadata: { ls_provider: 'openai', ls_model_name: model, ls_temperature: 0, tenant: 't1', session_id: 'th_7Q2f', revision: '9c41e07' }, runtime: { sdk: 'runtree', version: '0.1.0', rustc: '1.91' }, invocation_params: { model, temperature: 0, seed: 7 } },
  ...extra,
})

const rules = 'You answer customers of a parcel shop. Use only the context. Answer as JSON with the keys `answer` and `sources`.\n\n' +
  '[1] Delivery times. Parcels inside the EU take 2 to 4 working days. A parcel is late when it has not been scanned for two days.\n\n'
const context = Array.from({ length: 60 }, (_, i) => `[${i + 2}] Paragraph ${i + 2} of the handbook: returns, vouchers, addresses and carriers, in the words of the shop.`).join('\n')

const chunks = (start, first, last, n, words) => [
  { name: 'start', time: iso(start) },
  ...Array.from({ length: n }, (_, i) => ({ name: 'new_token', time: iso(start + first + ((last - first) * i) / n), kwargs: { token: words[i % words.length] } })),
  { name: 'end', time: iso(start + last) },
]

export function rag(session, start, id, { question, answer, live = false, fail = false, retry = true, thread, orphan = false, speed = 1, tags = ['prod', 'eu'] }) {
  const t = trace(session, start, id)
  const metadata = { tenant: 't1', revision: live ? '9c41e07' : '8b10c2e', ...(thread ? { session_id: thread } : {}) }
  const s = (n) => (n == null ? null : n * speed)
  const end = live ? null : 5020
  const root = t.run(null, 'RunnableSequence', 'chain', 0, s(end), {
    tags, thread_id: thread, inputs: { question }, outputs: live ? null : { answer, sources: [1, 4] }, first: s(1260),
    total_tokens: live ? 3214 : 2640, prompt_tokens: live ? 2871 : 2300, completion_tokens: live ? 343 : 340, total_cost: 0.0041, extra: { metadata },
  })
  const both = t.run(root, 'RunnableParallel<context,question>', 'chain', s(2), s(642), { tags: ['seq:step:1'], inputs: { question }, outputs: { context: '…', question } })
  const ctx = t.run(both, 'RunnableSequence', 'chain', s(4), s(640), { tags: ['map:key:context'] })
  const docs = t.run(ctx, 'VectorStoreRetriever', 'retriever', s(5), s(598), { truncated: true, inputs: { query: question }, outputs: { documents: Array.from({ length: 6 }, (_, i) => ({ page_content: `Paragraph ${i + 1} of the handbook.`, metadata: { source: `handbook.md#${i + 1}`, score: 0.9 - i / 20 } })) } })
  t.run(docs, 'OpenAIEmbeddings', 'embedding', s(8), s(184), { model: 'text-embedding-3', total_cost: 0.0004, total_tokens: 14, prompt_tokens: 14 })
  t.run(ctx, 'format_docs', 'chain', s(600), s(640), { tags: ['seq:step:2'] })
  t.run(both, 'RunnablePassthrough', 'chain', s(3), s(4), { tags: ['map:key:question'] })
  t.run(root, 'ChatPromptTemplate', 'prompt', s(644), s(649), { tags: ['seq:step:2'], inputs: { question } })
  const messages = [{ role: 'system', content: rules + context }, { role: 'human', content: question }]
  const broken = 'Here is the JSON you asked for:\n\n```json\n{\n  "answer": "Order 48213 left Leipzig on Monday…",\n  "sources": [1, 4],\n}\n```'
  if (!retry) {
    t.run(root, 'ChatOpenAI', 'llm', s(651), s(4300), { ...llm('gpt-4o-mini', 2300, 340, messages, answer), first: s(1260), error: fail ? 'RateLimited: 429 from provider after 3 attempts\n  at send (openai/src/client.rs:88)\n  at call (openai/src/chat.rs:41)' : null })
    if (fail) {
      Object.assign(root, { status: 'error', error: 'RateLimited: 429 from provider after 3 attempts', outputs: null })
    } else t.run(root, 'JsonOutputParser', 'parser', s(4310), s(4313), { outputs: { answer } })
    return t.all
  }
  const again = t.run(root, 'RunnableRetry', 'chain', s(651), s(end), { tags: ['seq:step:3'] })
  const one = t.run(again, 'RunnableSequence', 'chain', s(652), s(2418), { tags: ['retry:attempt:1'], total_tokens: 1690, ...(fail ? {} : { error: null }) })
  t.run(one, 'ChatOpenAI', 'llm', s(654), s(2410), { ...llm('gpt-4o-mini', 1532, 158, messages, broken), first: s(1265), events: chunks(start + s(654), 611, 1750, 158, ['Here', ' is the JSON', ' you', ' asked', ' for', ':\n']) })
  t.run(one, 'JsonOutputParser', 'parser', s(2412), s(2418), {
    error: 'OutputParserException: Expected a JSON value, found text at line 1 column 1, and a trailing comma at line 4 column 21.\nparse        components/src/parsers/json.rs:88\ncall         components/src/parsers/json.rs:41\ninvoke       runnables/src/sequence.rs:127',
    inputs: { text: broken }, outputs: null,
  })
  const two = t.run(again, 'RunnableSequence', 'chain', s(2900), s(end), { tags: ['retry:attempt:2'], total_tokens: 1510 })
  t.run(two, 'ChatOpenAI', 'llm', s(2902), s(4310), { ...llm('gpt-4o-mini', 1339, 171, messages, '{"answer": "It left Leipzig on Monday.", "sources": [1, 4]}'), first: s(3384) })
  t.run(two, 'JsonOutputParser', 'parser', s(4312), s(4315), { outputs: { answer } })
  const more = t.run(two, 'enrich_answer', 'chain', s(4318), s(end))
  t.run(more, 'lookup_order', 'tool', s(4320), live ? null : s(5000), { inputs: { order: 48213 }, outputs: live ? null : { city: 'Leipzig', late: true } })
  t.run(more, 'carrier_eta', 'tool', s(4321), s(4620), { status: 'cancelled', error: 'cancelled: the caller no longer waits', inputs: { parcel: '00340434161094' }, outputs: null })
  if (orphan) {
    t.run({ id: '01998c52-0000-7000-8000-000000000e41', dotted_order: '' }, 'rerank_documents', 'tool', s(193), s(505), { dotted_order: null, is_orphan: true, outputs: { documents: 6 } })
  }
  return t.all
}

function agent(session, start, id, { question, answer, steps = 3, fail = 0, thread, tags = ['prod', 'agent'] }) {
  const t = trace(session, start, id)
  const root = t.run(null, 'support_agent', 'chain', 0, steps * 1500 + 900, { tags, thread_id: thread, inputs: { messages: [{ role: 'user', content: question }] }, outputs: { output: answer }, first: 688, total_tokens: 5377, prompt_tokens: 4800, completion_tokens: 577, total_cost: 0.0079, extra: { metadata: { tenant: 't1', ...(thread ? { session_id: thread } : {}) } } })
  for (let i = 0; i < steps; i++) {
    const at = i * 1500
    t.run(root, 'ChatOpenAI', 'llm', at + 4, at + 1100, {
      ...llm('gpt-4o', 1400 + i * 200, 120, [{ role: 'system', content: 'You help customers. Call tools when you need facts.' }, { role: 'user', content: question }], null),
      outputs: { generations: [[{ message: { type: 'ai', content: '', tool_calls: [{ id: `call_${i}`, name: 'lookup_order', args: { order: 48213 + i, fields: ['state', 'carrier'] } }] } }]] }, first: at + 690,
    })
    const bad = i < fail
    t.run(root, pick(['lookup_order', 'refund', 'carrier_eta']), 'tool', at + 1105, at + 1440, { inputs: { order: 48213 + i }, outputs: bad ? null : { ok: true }, error: bad ? 'Timeout: the carrier did not answer within 300 ms' : null })
  }
  t.run(root, 'ChatOpenAI', 'llm', steps * 1500 + 5, steps * 1500 + 880, { ...llm('gpt-4o', 2100, 90, [{ role: 'user', content: question }], answer), first: steps * 1500 + 300 })
  return t.all
}

function single(session, start, name, type, to, more) {
  const t = trace(session, start)
  t.run(null, name, type, 0, to, more)
  return t.all
}

export const payloads = JSON.parse(readFileSync(new URL('payloads.json', import.meta.url), 'utf8'))

const asks = [
  ['Where is order 48213? It was due Tuesday.', 'It left Leipzig on Monday.'], ['Do you ship to Iceland?', 'Yes, to all of Iceland by DHL in 4 to 6 days.'],
  ['Can I change the delivery address after ordering?', 'Yes, until the parcel is handed to the carrier.'], ['What is the warranty on refurbished laptops?', '24 months from the day of delivery.'],
  ['Is there a student discount?', 'Yes, 10 % with a valid student ID.'], ['How do I reset my password?', 'Open Account › Security and choose Reset.'],
  ['Track parcel 00340434161094', 'It left Leipzig this morning and arrives tomorrow.'], ['rückgabe ohne karton möglich??', 'Ja, mit einem anderen Karton.'],
  ['Why was I charged twice?', 'One of the two is a reservation and falls away in three days.'], ['Swap size M for L in my last order', 'Done. The new parcel leaves tomorrow.'],
]

export function seed(now) {
  state = 7
  const runs = []
  const add = (all) => runs.push(...all)
  const P = ids.support

  add(rag(P, now - 5020, ids.live, { question: 'Where is order 48213? It was due Tuesday.', answer: '', live: true, thread: 'th_7Q2f', orphan: true }))
  add(rag(P, now - 41_000, ids.iceland, { question: 'Do you ship to Iceland?', answer: 'Yes, to all of Iceland by DHL in 4 to 6 days.', thread: 'th_7Q0k', speed: 0.77 }))
  add(agent(P, now - 6_410, ids.agent, { question: 'Cancel my subscription and refund the last month', answer: 'It is cancelled.', thread: 'th_7Q1x', fail: 1 }))

  // Parents that come late: their children are here and tell their place.
  const late = rag(P, now - 95_000, ids.late, { question: 'Is my parcel late?', answer: 'It is.', tags: ['prod', 'late'] })
  add(late.filter((r) => r.name !== 'RunnableRetry' && !r.tags.includes('map:key:context')))

  for (const [i, text] of payloads.entries()) {
    const at = now - 3_000_000 - i * 700
    const t = trace(P, at, i === 0 ? ids.xss : undefined)
    const root = t.run(null, text, 'chain', 0, 900, { tags: [text.slice(0, 40), 'xss'], inputs: { question: text, [text]: { [text]: text } }, outputs: { answer: text }, extra: { metadata: { [text]: text, tenant: text } }, thread_id: i < 3 ? text : null })
    t.run(root, text, 'llm', 10, 600, { ...llm(text, 10, 10, [{ role: 'system', content: text }, { role: 'user', content: payloads.join('\n\n') }], payloads.join('\n\n')), first: 200, error: i % 3 === 0 ? `${text}: ${text}\n${text}` : null, events: [{ name: text, time: iso(at + 100), kwargs: { token: text } }] })
    add(t.all)
  }

  // A payload of a megabyte, and one of many keys.
  {
    const t = trace(P, now - 190_000, ids.heavy)
    const words = Array.from({ length: 12_000 }, (_, i) => ({ id: i, text: `message ${i} of the ticket, as it was written`, at: iso(now - i * 1000) }))
    t.run(null, 'summarise_ticket', 'chain', 0, 14_200, { truncated: true, tags: ['prod', 'batch'], inputs: { ticket: words, wide: Object.fromEntries(words.slice(0, 3000).map((w) => [`key_${w.id}`, w.id])), text: 'A long line of the customer. '.repeat(9000) }, outputs: { summary: 'Customer reports three failed deliveries since October.' }, first: 1120, total_tokens: 118_402, prompt_tokens: 117_000, completion_tokens: 1402, total_cost: 0.092 })
    add(t.all)
  }

  // Ten thousand runs.
  {
    const t = trace(P, now - 240_000, ids.big)
    const root = t.run(null, 'nightly_digest', 'chain', 0, 20_400, { tags: ['batch'] })
    let left = 9_999
    for (let i = 0; left > 0; i++) {
      const at = i * 19
      const step = t.run(root, 'digest_ticket', 'chain', at, at + 900, { tags: [`ticket ${i}`] })
      left--
      for (let j = 0; j < 9 && left > 0; j++, left--) {
        const bad = i % 97 === 5 && j === 4
        t.run(step, ['load', 'split', 'ChatOpenAI', 'parse', 'score', 'embed', 'store', 'tag', 'notify'][j], ['tool', 'chain', 'llm', 'parser', 'tool', 'embedding', 'tool', 'chain', 'tool'][j], at + j * 90, at + j * 90 + 85, { error: bad ? 'Timeout: the scorer did not answer' : null, total_tokens: j === 2 ? 400 : null })
      }
    }
    add(t.all)
  }
  {
    const t = trace(ids.evals, now - 300_000, ids.deep)
    let at = t.run(null, 'recursion', 'chain', 0, 3000)
    for (let i = 1; i < 400; i++) at = t.run(at, `level ${i}`, 'chain', i * 3, 3000 - i * 3, i === 399 ? { error: 'RecursionError: 400 levels' } : {})
    add(t.all)
  }

  for (let i = 0; i < 280; i++) {
    const start = now - 200_000 - i * 12_000 - random() * 9000
    const [question, answer] = pick(asks)
    const thread = `th_${(7000 + Math.floor(i / 3)).toString(36)}`
    const tags = ['prod', pick(['eu', 'de', 'us'])]
    const kind = i % 14
    if (kind === 3) add(agent(P, start, uuid(), { question, answer, steps: 2 + (i % 3), fail: i % 4 === 0 ? 2 : 0, thread }))
    else if (kind === 5) add(rag(P, start, uuid(), { question, answer, thread, speed: 0.4 + random() * 0.4 }))
    else if (kind === 7) add(rag(P, start, uuid(), { question, answer, retry: false, fail: true, thread, speed: 0.6 + random(), tags }))
    else if (kind === 9) add(single(P, start, 'ChatOpenAI', 'llm', 683, { ...llm('gpt-4o-mini', 190, 22, [{ role: 'user', content: `Classify the intent: "${question}"` }], 'voucher_problem'), first: 412, tags: ['prod'] }))
    else if (kind === 10) add(single(P, start, 'VectorStoreRetriever', 'retriever', 594, { inputs: { query: question }, outputs: { documents: [1, 2, 3, 4, 5, 6] } }))
    else if (kind === 11) add(single(P, start, 'RunnableSequence', 'chain', 1040, { status: 'cancelled', error: 'cancelled by caller', inputs: { question }, outputs: null, tags, first: 589 }))
    else if (kind === 12 && i % 3 === 0) add(single(P, start, 'rerank_documents', 'tool', 312, { parent_run_id: uuid(), is_orphan: true, dotted_order: null, tags: ['worker'], inputs: { documents: 24, top_k: 6 }, outputs: { documents: 6 } }))
    else add(rag(P, start, uuid(), { question, answer, retry: false, thread, speed: 0.25 + random() * random() * 1.6, tags }))
  }
  for (let i = 0; i < 40; i++) add(rag(ids.staging, now - 60_000 - i * 400_000, uuid(), { question: pick(asks)[0], answer: 'Yes.', retry: i % 5 === 0, tags: ['staging'] }))
  for (let i = 0; i < 30; i++) add(agent(ids.evals, now - 3_600_000 - i * 900_000, uuid(), { question: pick(asks)[0], answer: 'Done.', tags: ['eval'] }))

  const projects = [
    { id: ids.support, name: 'support-rag', description: 'Answers customers of a parcel shop' },
    { id: ids.staging, name: 'staging', description: '' },
    { id: ids.evals, name: 'evals', description: 'Nightly evaluations' },
    { id: ids.fresh, name: 'new-project', description: '' },
  ]
  const feedback = runs.filter((r) => !r.parent_run_id && r.session_id === P).filter((_, i) => i % 7 === 2).map((r, i) => ({ id: uuid(), run_id: r.id, trace_id: r.trace_id, session_id: P, key: 'helpful', score: i % 5 === 0 ? -1 : 1, value: null, comment: i % 4 === 0 ? 'Answered in one go.' : null, created_at: iso(now - 20_000), feedback_source: { type: 'api' } }))
  return { runs, projects, feedback }
}

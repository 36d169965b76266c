// Writes sample data to a real collector, as LangSmith's SDKs would write it.
//
//     node dev/mirror.mjs http://127.0.0.1:1984      all of it, once
//
// RUNTREE_SEEDED says when it is from, in milliseconds; else it is from now.
import { pathToFileURL } from 'node:url'
import { seed } from './seed.mjs'

/** Bytes and runs of one request, about. */
const LARGEST = 8 << 20
const MOST = 1000

async function send(base, path, body) {
  const answer = await fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const said = await answer.json()
  if (!answer.ok) throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(said).slice(0, 500)}`)
  return said
}

/** A run in the protocol's form: what the collector works out by itself is told where SDKs tell it. */
function told(run) {
  const metadata = { ...run.extra?.metadata }
  if (run.model) metadata.ls_model_name = run.model
  if (run.thread_id) metadata.session_id = run.thread_id
  if (run.truncated) metadata.truncated = true
  if (run.status === 'cancelled') metadata.cancelled = true
  if (run.total_tokens != null) {
    metadata.usage_metadata = { input_tokens: run.prompt_tokens ?? 0, output_tokens: run.completion_tokens ?? 0, total_tokens: run.total_tokens, ...(run.total_cost == null ? {} : { total_cost: run.total_cost }) }
  }
  const events = [...(run.events ?? [])]
  if (run.first_token_time && !events.some((event) => event.name === 'new_token')) events.push({ name: 'new_token', time: run.first_token_time })
  // An orphan's trace is that of its missing parent.
  const trace_id = run.parent_run_id && run.trace_id === run.id ? run.parent_run_id : run.trace_id
  const { id, parent_run_id, session_id, name, run_type, start_time, end_time, dotted_order, error, tags, inputs, outputs } = run
  return { id, trace_id, parent_run_id, session_id, name, run_type, start_time, end_time, dotted_order, error, tags, inputs: inputs ?? {}, outputs, events, extra: { ...run.extra, metadata } }
}

/** Writes runs: those that are over as created and ended in one, those that ended later again as ended. */
export async function write(base, runs, known = new Set()) {
  let batch = { post: [], patch: [] }
  let bytes = 0
  const refused = []
  const flush = async () => {
    if (bytes > 0) refused.push(...((await send(base, '/runs/batch', batch)).refused ?? []))
    batch = { post: [], patch: [] }
    bytes = 0
  }
  for (const run of runs.map(told)) {
    batch[known.has(run.id) ? 'patch' : 'post'].push(run)
    known.add(run.id)
    bytes += JSON.stringify(run).length
    if (bytes > LARGEST || batch.post.length + batch.patch.length >= MOST) await flush()
  }
  await flush()
  if (refused.length > 0) throw new Error(`refused: ${JSON.stringify(refused.slice(0, 5))}`)
}

/** Writes all sample data: projects, runs, feedback. */
export async function fill(base, { projects, runs, feedback }, known) {
  for (const { id, name, description } of projects) await send(base, '/sessions?upsert=true', { id, name, description })
  await write(base, runs, known)
  for (const one of feedback) await send(base, '/feedback', one)
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const base = process.argv[2]?.replace(/\/$/, '')
  if (!base) throw new Error('the address of a collector is needed')
  await fill(base, seed(Number(process.env.RUNTREE_SEEDED ?? Date.now())))
  console.log(`${base} has the sample data`)
}

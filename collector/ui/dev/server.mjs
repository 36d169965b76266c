// A development tool: the collector's API over sample data in memory, and the built pages with the
// headers the collector sends. Not for use with real data. PORT (4173), STILL=1 for no growth by itself.
import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { extname, join, normalize } from 'node:path'
import { gzipSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { compile } from './filter.mjs'
import { write } from './mirror.mjs'
import { ids, rag, seed, uuid } from './seed.mjs'

export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types 'none'"

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' }

/** `at`: when the sample data is from. `mirror`: a collector that has it, and is told of all that happens here. */
export function start({ port = 0, still = false, key = '', at = Date.now(), mirror = '' } = {}) {
  const begun = at
  let data = seed(begun)
  let version = 1
  const byId = new Map()
  const byTrace = new Map()
  const put = (run) => {
    run.version = ++version
    const old = byId.get(run.id)
    byId.set(run.id, run)
    if (!old) {
      if (!byTrace.has(run.trace_id)) byTrace.set(run.trace_id, [])
      byTrace.get(run.trace_id).push(run)
    }
  }
  data.runs.forEach(put)
  let keys = [
    { id: 'k1', name: 'backend-prod', prefix: 'rt_live_9hT2', created_at: '2026-11-22T09:00:00Z', projects: ['support-rag'], rights: ['write'], last_used_at: new Date(begun).toISOString() },
    { id: 'k2', name: 'rerank-worker', prefix: 'rt_live_Kq81', created_at: '2026-11-03T09:00:00Z', projects: ['support-rag'], rights: ['write'], last_used_at: new Date(begun - 360_000).toISOString() },
    { id: 'k3', name: 'notebook-ada', prefix: 'rt_live_0aZx', created_at: '2026-10-12T09:00:00Z', projects: ['support-rag', 'evals'], rights: ['read', 'write'], last_used_at: new Date(begun - 2 * 86_400_000).toISOString() },
  ]
  const shares = new Map()

  const listeners = new Set()
  const known = new Set(data.runs.map((run) => run.id))
  let mirrored = Promise.resolve()
  const tell = (...runs) => {
    if (mirror) mirrored = mirrored.then(() => write(mirror, runs, known))
    for (const run of runs) put(run)
    for (const to of listeners) to(runs)
  }

  const row = (r) => ({ id: r.id, trace_id: r.trace_id, parent_run_id: r.parent_run_id, name: r.name, run_type: r.run_type, status: r.status, start_time: r.start_time, end_time: r.end_time, first_token_time: r.first_token_time, total_tokens: r.total_tokens, prompt_tokens: r.prompt_tokens, completion_tokens: r.completion_tokens, total_cost: r.total_cost, dotted_order: r.dotted_order, error: r.error?.split('\n')[0] ?? null, tags: r.tags, is_orphan: r.is_orphan, session_id: r.session_id, is_created: true, model: r.model, truncated: r.truncated, thread_id: r.thread_id, version: r.version })
  const isRoot = (r) => !r.parent_run_id || r.id === r.trace_id
  const bad = (r) => r.status === 'error'
  const preview = (v) => (v == null ? null : (Object.values(v).length === 1 && typeof Object.values(v)[0] === 'string' ? Object.values(v)[0] : v.messages?.at(-1)?.content ?? v.question ?? v.output ?? JSON.stringify(v)).slice(0, 200))
  const full = (r) => ({ ...r, ...(isRoot(r) ? { errors_inside: byTrace.get(r.trace_id).filter((x) => x !== r && bad(x)).length } : {}), inputs_preview: preview(r.inputs), outputs_preview: preview(r.outputs), feedback_stats: stats(r.id) })
  const stats = (id) => {
    const own = data.feedback.filter((f) => f.run_id === id)
    return own.length ? { helpful: { n: own.length, avg: own.reduce((s, f) => s + f.score, 0) / own.length } } : null
  }

  const quantile = (list, q) => (list.length ? list[Math.min(list.length - 1, Math.floor(list.length * q))] : null)
  const sum = (runs) => {
    const secs = runs.filter((r) => r.end_time).map((r) => (Date.parse(r.end_time) - Date.parse(r.start_time)) / 1000).sort((a, b) => a - b)
    const first = runs.filter((r) => r.first_token_time).map((r) => (Date.parse(r.first_token_time) - Date.parse(r.start_time)) / 1000).sort((a, b) => a - b)
    const errors = runs.filter((r) => bad(r)).length
    const total = (f) => runs.reduce((s, r) => s + Number(r[f] ?? 0), 0)
    return { run_count: runs.length, error_count: errors, error_rate: runs.length ? errors / runs.length : null, latency_p50: quantile(secs, 0.5), latency_p95: quantile(secs, 0.95), latency_p99: quantile(secs, 0.99), first_token_p50: quantile(first, 0.5), first_token_p95: quantile(first, 0.95), total_tokens: total('total_tokens'), prompt_tokens: total('prompt_tokens'), completion_tokens: total('completion_tokens'), total_cost: total('total_cost'), last_run_start_time: runs.reduce((m, r) => (r.start_time > m ? r.start_time : m), '') || null }
  }
  const all = () => [...byId.values()]
  const roots = (session) => all().filter((r) => r.session_id === session && isRoot(r))

  function select(q) {
    const sessions = [].concat(q.session ?? q.session_id ?? [])
    const errorsOf = new Map()
    const test = q.filter ? compile(q.filter) : () => true
    return all().filter((r) => {
      if (sessions.length && !sessions.includes(r.session_id)) return false
      if (q.id && !q.id.includes(r.id)) return false
      if (q.trace && r.trace_id !== q.trace) return false
      if (q.is_root != null && isRoot(r) !== q.is_root) return false
      if (q.run_type && r.run_type !== q.run_type) return false
      if (q.start_time && r.start_time < q.start_time) return false
      if (q.end_time && r.start_time > q.end_time) return false
      if (!errorsOf.has(r.trace_id)) errorsOf.set(r.trace_id, byTrace.get(r.trace_id).filter(bad).length)
      return test({ ...r, errors_inside: isRoot(r) ? errorsOf.get(r.trace_id) - (bad(r) ? 1 : 0) : 0, feedback: Object.fromEntries(data.feedback.filter((f) => f.run_id === r.id).map((f) => [f.key, f.score])) })
    }).sort((a, b) => (q.order === 'asc' ? 1 : -1) * (a.start_time < b.start_time ? -1 : a.start_time > b.start_time ? 1 : a.id < b.id ? -1 : 1))
  }

  function live() {
    // A run that is stored cannot begin anew.
    if (mirror) return byTrace.get(ids.live)
    const now = Date.now()
    for (const old of byTrace.get(ids.live) ?? []) byId.delete(old.id)
    byTrace.delete(ids.live)
    const runs = rag(ids.support, now - 5020, ids.live, { question: 'Where is order 48213? It was due Tuesday.', answer: '', live: true, thread: 'th_7Q2f', orphan: true })
    tell(...runs)
    return runs
  }
  function grow() {
    const runs = byTrace.get(ids.live)
    const parent = runs.find((r) => r.name === 'enrich_answer')
    const now = Date.now()
    const id = uuid()
    const open = runs.filter((r) => r.name === 'carrier_scan' && !r.end_time)
    for (const r of open) Object.assign(r, { end_time: new Date(now).toISOString(), status: 'success', outputs: { seen: true } })
    const made = { ...parent, id, parent_run_id: parent.id, name: 'carrier_scan', run_type: 'tool', start_time: new Date(now).toISOString(), end_time: null, status: 'pending', dotted_order: `${parent.dotted_order}.${new Date(now).toISOString().replace(/[-:.]/g, '').replace('Z', '000Z')}${id}`, tags: [], inputs: { n: runs.length } }
    tell(...open, made)
    return made
  }
  function arrive() {
    const now = Date.now()
    const start = now - 2000
    const made = rag(ids.support, start, uuid(), { question: 'Is the shop open on Sunday?', answer: 'No.', retry: false, speed: 0.3 })
    tell(...made)
    return made
  }
  function parent() {
    const runs = byTrace.get(ids.late)
    const child = runs.find((r) => r.tags.includes('retry:attempt:1'))
    const root = runs.find((r) => !r.parent_run_id)
    if (byId.has(child.parent_run_id)) return null
    const order = child.dotted_order.split('.').slice(0, -1).join('.')
    const made = { ...root, id: child.parent_run_id, parent_run_id: root.id, name: 'RunnableRetry', dotted_order: order, tags: ['seq:step:3'], start_time: new Date(Date.parse(root.start_time) + 651).toISOString() }
    tell(made)
    return made
  }

  const routes = [
    ['GET', /^\/api\/v1\/sessions$/, (q) => data.projects.filter((p) => p.name.includes(q.get('name_contains') ?? '')).slice(+(q.get('offset') ?? 0), +(q.get('offset') ?? 0) + +(q.get('limit') ?? 100)).map((p) => ({ ...p, start_time: '2026-09-01T08:00:00Z', extra: p.extra ?? {}, ...sum(roots(p.id)) }))],
    ['GET', /^\/api\/v1\/sessions\/([^/]+)$/, (_, [id]) => { const p = data.projects.find((x) => x.id === id); return p && { ...p, extra: p.extra ?? {}, ...sum(roots(p.id)) } }],
    ['PATCH', /^\/api\/v1\/sessions\/([^/]+)$/, (_, [id], body) => Object.assign(data.projects.find((x) => x.id === id) ?? {}, body)],
    ['DELETE', /^\/api\/v1\/sessions\/([^/]+)$/, (_, [id]) => { data.projects = data.projects.filter((p) => p.id !== id); return {} }],
    ['GET', /^\/api\/v1\/sessions\/([^/]+)\/metrics$/, (q, [id]) => {
      const from = Date.parse(q.get('from')), until = Date.parse(q.get('until')), step = +q.get('step') * 1000
      const by = q.get('by')
      const inside = (by === 'model' ? all().filter((r) => r.session_id === id && r.model) : roots(id)).filter((r) => Date.parse(r.start_time) >= from && Date.parse(r.start_time) < until)
      const groups = new Map()
      for (const r of inside) {
        const at = from + Math.floor((Date.parse(r.start_time) - from) / step) * step
        const k = `${at} ${by ? r[by] : ''}`
        if (!groups.has(k)) groups.set(k, { at, group: by ? r[by] : undefined, runs: [] })
        groups.get(k).runs.push(r)
      }
      return { buckets: [...groups.values()].sort((a, b) => a.at - b.at).map((g) => ({ start: new Date(g.at).toISOString(), group: g.group, ...sum(g.runs) })) }
    }],
    ['GET', /^\/api\/v1\/sessions\/([^/]+)\/threads$/, (q, [id]) => {
      const found = new Map()
      for (const r of roots(id)) if (r.thread_id) (found.get(r.thread_id) ?? found.set(r.thread_id, []).get(r.thread_id)).push(r)
      const threads = [...found].map(([thread_id, runs]) => {
        runs.sort((a, b) => (a.start_time < b.start_time ? -1 : 1))
        return { thread_id, count: runs.length, first: runs[0].start_time, last: runs.at(-1).start_time, first_input: preview(runs[0].inputs), last_output: preview(runs.at(-1).outputs), error_count: runs.filter((r) => bad(r) || byTrace.get(r.trace_id).some(bad)).length, running: runs.some((r) => r.status === 'pending'), ...sum(runs), error_rate: undefined }
      }).filter((t) => `${t.thread_id}\n${t.first_input}\n${t.last_output}`.toLowerCase().includes((q.get('search') ?? '').toLowerCase())).sort((a, b) => (a.last < b.last ? 1 : -1))
      const from = +(q.get('cursor') ?? 0), limit = +(q.get('limit') ?? 50)
      return { threads: threads.slice(from, from + limit), cursors: { next: from + limit < threads.length ? String(from + limit) : null } }
    }],
    ['POST', /^\/api\/v1\/runs\/query$/, (_, __, q) => {
      const found = select(q)
      const limit = Math.min(q.limit ?? 100, 100)
      const from = q.cursor ? found.findIndex((r) => r.id === q.cursor) + 1 : 0
      const page = found.slice(from, from + limit)
      return { runs: page.map(full).map((r) => (q.select ? Object.fromEntries(Object.entries(r).filter(([k]) => k === 'id' || q.select.includes(k))) : r)), cursors: { next: from + limit < found.length ? page.at(-1).id : null } }
    }],
    ['POST', /^\/api\/v1\/runs\/stats$/, (_, __, q) => { const found = select(q); return { ...sum(found), errors_inside_count: found.filter((r) => byTrace.get(r.trace_id).some(bad)).length } }],
    ['GET', /^\/api\/v1\/runs\/([^/]+)$/, (_, [id]) => byId.get(id) && full(byId.get(id))],
    ['GET', /^\/api\/v1\/traces\/([^/]+)\/tree$/, (_, [id]) => byTrace.has(id) && { version, runs: byTrace.get(id).map(row) }],
    ['GET', /^\/api\/v1\/feedback$/, (q) => data.feedback.filter((f) => q.getAll('run').includes(f.run_id))],
    ['POST', /^\/api\/v1\/feedback$/, (_, __, body) => { const made = { id: uuid(), created_at: new Date().toISOString(), feedback_source: { type: 'app' }, ...body }; data.feedback.push(made); return made }],
    ['PUT', /^\/api\/v1\/runs\/([^/]+)\/share$/, (_, [id], body) => { const made = { run_id: id, share_token: body?.share_token ?? uuid() }; shares.set(id, made); return made }],
    ['GET', /^\/api\/v1\/runs\/([^/]+)\/share$/, (_, [id]) => shares.get(id) ?? null],
    ['DELETE', /^\/api\/v1\/runs\/([^/]+)\/share$/, (_, [id]) => { shares.delete(id); return {} }],
    ['GET', /^\/api\/v1\/public\/([^/]+)\/run$/, (_, [token]) => { const s = [...shares.values()].find((x) => x.share_token === token); return s && full(byId.get(s.run_id)) }],
    ['GET', /^\/api\/v1\/public\/([^/]+)\/run\/([^/]+)$/, (_, [token, id]) => [...shares.values()].some((x) => x.share_token === token) && full(byId.get(id))],
    ['POST', /^\/api\/v1\/public\/([^/]+)\/runs\/query$/, (_, [token], q) => { const s = [...shares.values()].find((x) => x.share_token === token); return s && { runs: byTrace.get(byId.get(s.run_id).trace_id).map(row), cursors: { next: null }, q } }],
    ['GET', /^\/api\/v1\/api-keys$/, () => keys],
    ['POST', /^\/api\/v1\/api-keys$/, (_, __, body) => { const key = `rt_live_${uuid().replaceAll('-', '')}`; keys = [{ id: uuid(), prefix: key.slice(0, 12), created_at: new Date().toISOString(), ...body }, ...keys]; return { ...keys[0], key } }],
    ['DELETE', /^\/api\/v1\/api-keys\/([^/]+)$/, (_, [id]) => { keys = keys.filter((k) => k.id !== id); return {} }],
    ['GET', /^\/api\/v1\/health$/, () => ({ version: '0.1.0', uptime_seconds: Math.round((Date.now() - begun) / 1000) + 86_000, queue: { operations: 0, bytes: 0 }, stored: byId.size + Math.round((Date.now() - begun) / 1000) * 214, refused: [{ reason: 'body over 20 MB', count: 12 }, { reason: 'key not known', count: 3 }], orphans: all().filter((r) => r.is_orphan).length, database_bytes: 18_400_000_000, last_error: 'body over 20 MB' })],
    ['POST', /^\/dev\/live$/, () => live().map(row)],
    ['POST', /^\/dev\/grow$/, () => row(grow())],
    ['POST', /^\/dev\/arrive$/, () => arrive().map(row)],
    ['POST', /^\/dev\/parent$/, () => parent() ?? {}],
  ]

  const server = createServer(async (request, answer) => {
    const url = new URL(request.url, 'http://localhost')
    const path = url.pathname
    const say = (status, body, headers = {}) => {
      const text = Buffer.from(JSON.stringify(body))
      answer.writeHead(status, { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', 'content-encoding': 'gzip', ...headers })
      answer.end(gzipSync(text, { level: 1 }))
    }
    if (path.startsWith('/api/') && !path.startsWith('/api/v1/public/') && key && request.headers['x-api-key'] !== key) return say(401, { error: { code: 'unauthorised', message: 'this collector asks for a key' } })
    if (path === '/api/v1/stream') {
      answer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      answer.write(': open\n\n')
      const trace = url.searchParams.get('trace'), project = url.searchParams.get('project')
      const fits = (r) => (trace ? r.trace_id === trace : r.session_id === project)
      let waiting = new Map()
      const flush = () => {
        if (waiting.size) answer.write(`event: runs\nid: ${version}\ndata: ${JSON.stringify({ runs: [...waiting.values()].map(row) })}\n\n`)
        waiting = new Map()
      }
      const timer = setInterval(flush, 100)
      const hear = (runs) => { for (const r of runs) if (fits(r)) waiting.set(r.id, r) }
      const since = Number(request.headers['last-event-id'])
      if (since) hear(all().filter((r) => r.version > since))
      listeners.add(hear)
      request.on('close', () => { clearInterval(timer); listeners.delete(hear) })
      return
    }
    if (path.startsWith('/api/') || path.startsWith('/dev/')) {
      const chunks = []
      for await (const chunk of request) chunks.push(chunk)
      const route = routes.find(([method, pattern]) => method === request.method && pattern.test(path))
      if (!route) return say(404, { error: { code: 'not_found', message: `no ${request.method} ${path}` } })
      try {
        const found = route[2](url.searchParams, route[1].exec(path).slice(1).map(decodeURIComponent), chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined)
        await mirrored
        return found === undefined || found === false ? say(404, { error: { code: 'not_found', message: 'not found' } }) : say(200, found)
      } catch (e) {
        return say(400, { error: { code: 'bad_request', message: e.message } })
      }
    }
    const safe = normalize(path).replace(/^(\.\.[/\\])+/, '')
    const asset = /^\/(assets\/[\w.-]+|[\w-]+\.(svg|sha256))$/.test(safe)
    try {
      const body = readFileSync(join(dist, asset ? safe : 'index.html'))
      answer.writeHead(200, { 'content-type': types[asset ? extname(safe) : '.html'] ?? 'application/octet-stream', 'content-security-policy': CSP, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer', 'cache-control': safe.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache' })
      answer.end(body)
    } catch {
      answer.writeHead(404).end()
    }
  })
  const timers = still ? [] : [setInterval(() => { if (byTrace.get(ids.live).length < 60) grow(); else live() }, 2500), setInterval(arrive, 9000)]
  return new Promise((done) => server.listen(port, '127.0.0.1', () => done({
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => { timers.forEach(clearInterval); server.closeAllConnections(); return new Promise((end) => server.close(end)) },
  })))
}

export { ids }

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await start({ port: Number(process.env.PORT ?? 4173), still: process.env.STILL === '1', key: process.env.KEY ?? '' })
  console.log(`sample data and the built pages at ${url}`)
}

// What every browser test needs: a collector, a browser, and watchers for what must never happen.
// RUNTREE_URL names a running collector; without it the development server with sample data is used. RUNTREE_SEEDED says
// that the collector has the sample data, from that time on; what then happens in it is made to happen here.
import assert from 'node:assert/strict'
import { launch } from '../dev/browser.mjs'
import { CSP, ids, start } from '../dev/server.mjs'

export { CSP, ids }
export const given = process.env.RUNTREE_URL?.replace(/\/$/, '')
/** Why a test that needs the sample data is left out; false if it is not. */
export const bare = given && !process.env.RUNTREE_SEEDED ? 'the collector has no sample data' : false

let server
let browser
export async function setUp(options = {}) {
  const sample = given ? { at: Number(process.env.RUNTREE_SEEDED), mirror: given } : options
  server = bare ? null : await start({ still: true, ...sample })
  browser = await launch()
  return given ?? server.url
}
/** Makes something happen to the sample data: `live`, `grow`, `arrive`, `parent`. */
export const happen = (what) => post(server.url, `/dev/${what}`)

export async function tearDown() {
  await browser?.close()
  await server?.stop()
}

/** A page that fails its test on a script that ran, a dialog, a foreign request, a CSP report or an error. */
export async function open(base, path, { theme = 'light', phone = false, width = 1440, height = 900, allow = () => false } = {}) {
  const context = await browser.newContext({ colorScheme: theme, ...(phone ? { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 } : { viewport: { width, height } }), permissions: ['clipboard-read', 'clipboard-write'] })
  const page = await context.newPage()
  const wrong = []
  await page.addInitScript(() => {
    window.__csp = []
    document.addEventListener('securitypolicyviolation', (e) => window.__csp.push(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}:${e.lineNumber}`))
  })
  page.on('dialog', (d) => { wrong.push(`dialog: ${d.message()}`); void d.dismiss() })
  page.on('pageerror', (e) => wrong.push(`error: ${e.message}`))
  page.on('console', (m) => m.type() === 'error' && !allow(m.text()) && wrong.push(`console: ${m.text()}`))
  page.on('request', (r) => { const u = new URL(r.url()); if (u.origin !== new URL(base).origin && u.protocol !== 'blob:' && u.protocol !== 'data:') wrong.push(`request: ${r.url()}`) })
  page.on('popup', (p) => wrong.push(`popup: ${p.url()}`))
  if (path) await page.goto(base + path)
  return {
    page,
    async done() {
      assert.equal(await page.evaluate(() => window.__pwn), undefined, 'a script out of the data ran')
      wrong.push(...(await page.evaluate(() => window.__csp ?? [])).map((v) => `csp: ${v}`))
      await context.close()
      assert.deepEqual(wrong, [])
    },
  }
}

export const post = (base, path, body) => fetch(base + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) }).then((r) => r.json())
export const get = (base, path) => fetch(base + path).then((r) => r.json())

/** Addresses of every screen, out of what the collector holds. */
export async function screens(base) {
  let project = ids.support
  let traces = [ids.iceland, ids.live]
  if (given) {
    const all = await get(base, '/api/v1/sessions?include_stats=true&limit=100')
    project = all.sort((a, b) => (b.run_count ?? 0) - (a.run_count ?? 0))[0].id
    traces = (await post(base, '/api/v1/runs/query', { session: [project], is_root: true, limit: 2 })).runs.map((r) => r.trace_id)
  }
  const P = `/p/${project}`
  return {
    projects: '/', traces: `${P}/traces?range=all`, trace: `${P}/t/${traces[0]}`, threads: `${P}/threads`, dashboard: `${P}/dashboard`,
    compare: `${P}/compare?a=${traces[0]}&b=${traces[1] ?? traces[0]}`, settings: `${P}/settings`,
    ...(bare ? {} : { 'first run': `/p/${ids.fresh}/traces`, 'choose to compare': `${P}/compare` }),
  }
}

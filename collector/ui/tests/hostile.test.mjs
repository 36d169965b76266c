// Text that would like to be a script, through every screen.
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { bare, get, ids, open, post, setUp, tearDown } from './open.mjs'

let base
before(async () => { base = await setUp() })
after(tearDown)
const P = `/p/${ids.support}`
const skip = bare
const evil = '"><img src=x onerror=window.__pwn=1>'

it('runs nothing and loads nothing, on any screen and tab', { skip }, async () => {
  const { runs } = await post(base, '/api/v1/runs/query', { session: [ids.support], is_root: true, filter: 'has(tags, "xss")' })
  assert.ok(runs.length > 10)
  const paths = [`${P}/traces?range=all&q=tag:xss`, `${P}/traces?range=all&scope=all&q=tag:xss`, `${P}/threads?find=script`, `${P}/threads?thread=${encodeURIComponent('<script>window.__pwn=1</script>')}`, `${P}/dashboard?range=6h&by=model`, `${P}/dashboard?range=6h`, `${P}/compare?a=${runs[0].trace_id}&b=${runs[1].trace_id}&run=${runs[1].trace_id}`]
  for (const run of runs.slice(0, 6)) {
    const tree = await get(base, `/api/v1/traces/${run.trace_id}/tree`)
    const child = tree.runs.find((r) => r.parent_run_id)
    for (const tab of ['messages', 'io', 'error', 'metadata', 'events', 'feedback', 'raw']) paths.push(`${P}/t/${run.trace_id}?run=${child.id}&tab=${tab}`)
    paths.push(`${P}/t/${run.trace_id}?tab=io&find=${encodeURIComponent('<script')}&mode=filter`)
  }
  for (const path of paths) {
    const { page, done } = await open(base, path)
    await page.waitForTimeout(250)
    for (const el of await page.locator('.wf-row .wl').all().then((a) => a.slice(0, 1))) await el.hover()
    assert.equal(await page.locator('main img, main iframe, main script, main style, main svg[onload], main math, main object, main embed').count(), 0, path)
    for (const href of await page.locator('main a[href]').evaluateAll((all) => all.map((a) => a.href))) assert.match(href, /^https?:|^mailto:/)
    await done()
  }
})

it('takes an address as data', { skip }, async () => {
  for (const path of [`${P}/traces?q=${encodeURIComponent(evil)}&range=${encodeURIComponent(evil)}&scope=${encodeURIComponent(evil)}`, `${P}/t/${ids.iceland}?run=${encodeURIComponent(evil)}&tab=__proto__&fold=${encodeURIComponent(evil)}&z=1e999-2&types=constructor&level=-1&under=x&find=${encodeURIComponent(evil)}#${evil}`, `/${encodeURIComponent(evil)}`, `/?find=${encodeURIComponent(evil)}&next=javascript:window.__pwn=1`, `${P}/settings#${encodeURIComponent(evil)}`, `${P}/dashboard?by=${encodeURIComponent(evil)}&range=__proto__`, `${P}/threads?thread=${encodeURIComponent(evil)}`]) {
    const { page, done } = await open(base, path, { allow: (t) => /40[04]|422/.test(t) })
    await page.waitForTimeout(300)
    assert.equal(await page.locator('img').count(), 0)
    assert.ok((await page.locator('main').innerText()).length > 5)
    await done()
  }
})

it('is not framed', { skip }, async () => {
  const answer = await fetch(base, { headers: { accept: 'text/html' } })
  assert.match(answer.headers.get('content-security-policy'), /frame-ancestors 'none'/)
})

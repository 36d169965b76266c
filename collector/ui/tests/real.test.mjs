// What a real collector can be told of: values of ten megabytes, clocks that are wrong, names that would like to be
// scripts where only people write.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, it } from 'node:test'
import { payloads } from '../dev/seed.mjs'
import { get, given, open, post, setUp, tearDown } from './open.mjs'

const skip = given ? false : 'needs a real collector'
const rows = '[role=treeitem]'
let base
before(async () => { base = await setUp() })
after(tearDown)

const stamp = (ms) => new Date(ms).toISOString().replace(/[-:.]/g, '').replace('Z', '000Z')

/** A run of a project, `from` and `to` in ms; below another, or a root. */
function run(project, parent, name, from, to, more = {}) {
  const id = randomUUID()
  const step = stamp(from) + id
  return {
    id, trace_id: parent?.trace_id ?? id, parent_run_id: parent?.id ?? null, session_name: project, name, run_type: 'chain', inputs: {}, outputs: {},
    start_time: new Date(from).toISOString(), end_time: new Date(to).toISOString(), dotted_order: parent ? `${parent.dotted_order}.${step}` : step, ...more,
  }
}

/** Stores runs, and answers the path of their project. */
async function stored(...runs) {
  const said = await post(base, '/runs/batch', { post: runs })
  assert.deepEqual(said.refused, [])
  const [{ id }] = await get(base, `/api/v1/sessions?name=${encodeURIComponent(runs[0].session_name)}`)
  return `/p/${id}`
}

/** The longest time that the page could not answer while something was done, in ms. */
async function standstill(page, does) {
  await page.evaluate(() => {
    window.__stood = 0
    let last = performance.now()
    window.__beat = setInterval(() => {
      const now = performance.now()
      window.__stood = Math.max(window.__stood, now - last)
      last = now
    }, 10)
  })
  await does()
  await page.waitForTimeout(300)
  return page.evaluate(() => { clearInterval(window.__beat); return window.__stood })
}

it('shows values of ten megabytes and never stands still for long', { skip }, async () => {
  const now = Date.now()
  const text = 'A long line of the customer. '.repeat(360_000)
  const root = run('odd-large', null, 'small', now, now + 10)
  const large = run('odd-large', root, 'large', now + 1, now + 9, {
    run_type: 'llm', inputs: { messages: [{ role: 'user', content: text }] },
    outputs: { word: 'x'.repeat(4_000_000), list: Array.from({ length: 60_000 }, (_, i) => ({ id: i, text: `line ${i} of the answer, as it was written` })) },
    error: text.slice(0, 1_000_000),
  })
  const P = await stored(root, large)
  const { page, done } = await open(base, `${P}/t/${root.id}`)
  await page.waitForSelector(rows)
  const stood = {}
  stood.open = await standstill(page, async () => {
    await page.locator(`[id="r-${large.id}"]`).click()
    await page.waitForSelector('.errbox, .msg, .jl')
  })
  for (const tab of await page.locator('[role=tab]:not([disabled])').all()) {
    const name = await tab.innerText()
    stood[name] = await standstill(page, async () => {
      await tab.click()
      await page.waitForTimeout(200)
      for (const more of await page.getByRole('button', { name: /show all|more/i }).all().then((all) => all.slice(0, 2))) await more.click({ timeout: 2000 }).catch(() => {})
    })
    const nodes = await page.evaluate(() => document.querySelectorAll('*').length)
    assert.ok(nodes < 1500, `${name}: ${nodes} nodes`)
    if (/Messages|Input/.test(name)) assert.match(await page.locator('main').innerText(), /A long line of the customer/)
  }
  assert.ok(Object.values(stood).every((ms) => ms < 2000), JSON.stringify(stood))
  await done()
})

it('s09: shows clocks that are wrong in the order of their places, and no number that is none', { skip }, async () => {
  const now = Date.now() - 60_000
  const day = 86_400_000
  const root = run('odd-clocks', null, 'root', now, now + 5_000)
  const behind = run('odd-clocks', root, 'behind', now - day, now - day + 1_000)
  const below = run('odd-clocks', behind, 'below', now + 500, now + 900)
  const right = run('odd-clocks', root, 'right', now + 1_000, now + 2_000)
  const turned = run('odd-clocks', root, 'turned', now + 2_000, now + 2_000 - day)
  const ahead = run('odd-clocks', root, 'ahead', now + day, now + day + 1_000)
  const P = await stored(root, ahead, turned, right, below, behind)
  const { page, done } = await open(base, `${P}/t/${root.id}`)
  await page.waitForSelector(rows)
  await page.waitForTimeout(300)
  assert.deepEqual(await page.locator(`${rows} .nm`).allInnerTexts(), ['root', 'behind', 'below', 'right', 'turned', 'ahead'])
  const isSound = async (where) => {
    const text = await page.locator('body').innerText()
    assert.doesNotMatch(text, /NaN|Infinity|undefined|null|(^|\s)[-−]\d/m, where)
    const drawn = await page.evaluate(() => [...document.querySelectorAll('[style], svg *')].flatMap((e) => [...e.attributes]).map((a) => a.value).filter((v) => /NaN|Infinity/.test(v)))
    assert.deepEqual(drawn, [], where)
  }
  await isSound('trace')
  for (const name of ['turned', 'ahead', 'behind']) {
    await page.locator(rows, { hasText: name }).first().click()
    await page.waitForTimeout(150)
    await isSound(name)
  }
  for (const screen of ['traces?range=all', 'traces?range=all&scope=all', 'dashboard?range=7d', `compare?a=${root.id}&b=${root.id}`, 'settings']) {
    await page.goto(`${base}${P}/${screen}`)
    await page.waitForTimeout(400)
    await isSound(screen)
  }
  await done()
})

it('takes what people write as text, too: projects, feedback, files', { skip }, async () => {
  const now = Date.now()
  for (const [at, text] of payloads.entries()) {
    const name = `${text} odd`
    const root = run(name, null, text, now, now + 10)
    const lost = run(name, { ...root, id: randomUUID() }, text, now, now + 5, { dotted_order: null })
    const P = await stored(root, lost)
    await fetch(`${base}/api/v1/sessions/${P.slice(3)}`, { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ description: text }) })
    await post(base, '/api/v1/feedback', { id: randomUUID(), run_id: root.id, trace_id: root.id, key: text, score: 1, value: text, comment: text, correction: { [text]: text } })
    const form = new FormData()
    form.append(`patch.${root.id}`, new Blob([JSON.stringify({ id: root.id, trace_id: root.id, dotted_order: root.dotted_order, end_time: root.end_time })], { type: 'application/json' }))
    form.append(`attachment.${root.id}.${text.replace(/[^a-z<>=;'()]/gi, '')}`, new Blob([text], { type: 'text/html' }), 'a')
    assert.equal((await fetch(`${base}/runs/multipart`, { method: 'POST', body: form })).status, 202)
    const paths = [`${P}/t/${root.id}?tab=feedback`, `${P}/settings`]
    if (at % 5 === 0) paths.push(`${P}/traces?range=all`, `${P}/t/${root.id}?tab=io`, `${P}/dashboard`)
    for (const path of paths) {
      const { page, done } = await open(base, path)
      await page.waitForTimeout(200)
      assert.equal(await page.locator('main img, main iframe, main script, main style, main math, main object, main embed').count(), 0, path)
      await done()
    }
  }
  const { page, done } = await open(base, '/')
  await page.waitForSelector('.pl-row')
  assert.equal(await page.locator('main img, main iframe, main script, main style').count(), 0)
  await done()
})

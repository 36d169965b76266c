// axe-core on every screen, in both themes and on a phone.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, it } from 'node:test'
import { bare, ids, open, screens, setUp, tearDown } from './open.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let base
before(async () => { base = await setUp() })
after(tearDown)

for (const [name, look] of Object.entries({ light: {}, dark: { theme: 'dark' }, phone: { phone: true } })) {
  it(`no violations, ${name}`, async () => {
    const found = []
    const all = await screens(base)
    if (!bare) {
      all.error = `/p/${ids.support}/t/${ids.live}?run=${(await (await fetch(`${base}/api/v1/traces/${ids.live}/tree`)).json()).runs.find((r) => r.error)?.id}`
      all.payload = `/p/${ids.support}/t/${ids.heavy}?tab=io&pane=1`
      for (const tab of ['metadata', 'feedback', 'raw', 'messages']) all[tab] = `/p/${ids.support}/t/${ids.agent}?tab=${tab}&pane=1`
    }
    for (const [screen, path] of Object.entries(all)) {
      const { page, done } = await open(base, path, look)
      await page.waitForTimeout(600)
      // The page forbids scripts out of text; the test brings its own through the debugger.
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }))
      for (const v of violations) found.push(`${screen}: ${v.id} (${v.impact}) ${v.nodes.slice(0, 3).map((n) => `${n.target.join(' ')} | ${n.failureSummary?.split('\n')[1]?.trim()}`).join(' ; ')}`)
      await done()
    }
    assert.deepEqual(found, [])
  })
}

import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { given, ids, open, setUp, tearDown } from './open.mjs'

let base
before(async () => { base = await setUp({ key: 'rt_live_test' }) })
after(tearDown)

it('asks for a key once and keeps it in the tab', { skip: given ? 'needs the development server' : false }, async () => {
  const { page, done } = await open(base, `/p/${ids.support}/traces`, { allow: (t) => t.includes('401') })
  await page.waitForSelector('.keyform')
  await page.getByLabel('API key').fill('wrong')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForSelector('.keyform')
  await page.waitForTimeout(300)
  await page.getByLabel('API key').fill('rt_live_test')
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.waitForSelector('.tl-row')
  await page.reload()
  await page.waitForSelector('.tl-row')
  assert.equal(await page.evaluate(() => localStorage.getItem('runtree.key')), null)
  assert.ok(!(await page.evaluate(() => document.cookie)).includes('rt_live'))
  await done()
})

it('shows a shared trace without a key', { skip: given ? 'needs the development server' : false }, async () => {
  const headers = { 'x-api-key': 'rt_live_test' }
  const { share_token } = await (await fetch(`${base}/api/v1/runs/${ids.iceland}/share`, { method: 'PUT', body: '{}', headers })).json()
  const { page, done } = await open(base, `/public/${share_token}/r`)
  await page.waitForSelector('[role=treeitem]')
  await page.locator('[role=treeitem]').nth(2).click()
  await page.waitForTimeout(400)
  assert.equal(await page.locator('.keyform').count(), 0)
  await done()
})

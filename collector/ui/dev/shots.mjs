// Pictures of every screen, light, dark and on a phone, into shots/. `npm run shots [name…]`.
import { mkdirSync } from 'node:fs'
import { launch } from './browser.mjs'
import { ids, start } from './server.mjs'

const wanted = process.argv.slice(2)
const only = (process.env.THEMES ?? 'light,dark,phone').split(',')
const server = process.env.RUNTREE_URL ? null : await start({ still: true })
const base = process.env.RUNTREE_URL ?? server.url
const out = new URL('../shots/', import.meta.url).pathname
mkdirSync(out, { recursive: true })

const P = `/p/${ids.support}`
const tree = await (await fetch(`${base}/api/v1/traces/${ids.live}/tree`)).json()
const id = (name) => tree.runs.find((r) => r.name === name)?.id
const screens = {
  projects: '/', traces: `${P}/traces`, query: [`${P}/traces?q=tag%3Aprod+latency%3E1s+-name%3Ahealthcheck`, async (p) => { await p.keyboard.press('/'); await p.keyboard.press('End'); await p.keyboard.type(' ') }],
  trace: `${P}/t/${ids.live}?run=${id('ChatOpenAI')}`, error: `${P}/t/${ids.live}?run=${id('JsonOutputParser')}`, io: `${P}/t/${ids.heavy}?tab=io`, meta: `${P}/t/${ids.live}?run=${id('ChatOpenAI')}&tab=metadata`, events: `${P}/t/${ids.live}?run=${id('ChatOpenAI')}&tab=events`, raw: `${P}/t/${ids.live}?run=${id('ChatOpenAI')}&tab=raw`, feedback: `${P}/t/${ids.live}?tab=feedback`,
  late: `${P}/t/${ids.late}`, big: `${P}/t/${ids.big}`, xss: `${P}/t/${ids.xss}`, deep: `/p/${ids.evals}/t/${ids.deep}`, agent: `${P}/t/${ids.agent}?find=order&mode=filter`,
  threads: `${P}/threads`, dashboard: `${P}/dashboard?range=1h`, compare: `${P}/compare?a=${ids.iceland}&b=${ids.live}`, settings: `${P}/settings`, empty: `/p/${ids.fresh}/traces`,
  help: [`${P}/t/${ids.live}`, (p) => p.keyboard.press('?')],
}

const browser = await launch()
for (const theme of only) {
  const context = await browser.newContext({ colorScheme: theme === 'dark' ? 'dark' : 'light', ...(theme === 'phone' ? { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true } : { viewport: { width: Number(process.env.WIDTH ?? 1440), height: 900 } }) })
  for (const [name, what] of Object.entries(screens)) {
    if (wanted.length && !wanted.includes(name)) continue
    const [path, act] = [].concat(what)
    if (!process.env.RUNTREE_URL && ['trace', 'error', 'traces', 'compare', 'threads', 'help'].includes(name)) {
      await fetch(`${base}/dev/live`, { method: 'POST' })
    }
    const page = await context.newPage()
    page.on('console', (m) => m.type() === 'error' && console.log(`${theme} ${name}: ${m.text()}`))
    page.on('pageerror', (e) => console.log(`${theme} ${name}: ${e.message}`))
    // After each restart the runs of the live trace have new ids.
    const fresh = await (await fetch(`${base}/api/v1/traces/${ids.live}/tree`)).json()
    const now = path.replace(/run=([\w-]+)/, (all, old) => { const name = tree.runs.find((r) => r.id === old)?.name; return `run=${fresh.runs.find((r) => r.name === name)?.id ?? old}` })
    await page.goto(base + now)
    await page.waitForTimeout(name === 'big' ? 1500 : 700)
    if (act) await act(page)
    await page.waitForTimeout(250)
    await page.screenshot({ path: `${out}${name}-${theme}.png` })
    await page.close()
  }
  await context.close()
}
await browser.close()
await server?.stop()

/** The address is the state: screens read it here and change it here. */
import { placeOf } from './routes'

type Change = Record<string, string | null | undefined>

class Router {
  path = $state(location.pathname)
  search = $state(location.search)
  hash = $state(location.hash)
  query = $derived(new URLSearchParams(this.search))
  place = $derived(placeOf(this.path, this.query))

  private timer = 0

  constructor() {
    addEventListener('pagehide', () => this.write())
    addEventListener('popstate', () => this.take())
    addEventListener('hashchange', () => this.take())
    // Links stay links: only a plain click on one of ours is taken.
    addEventListener('click', (e) => {
      if (e.defaultPrevented || e.button !== 0 || e.metaKey || e.ctrlKey || e.shiftKey || e.altKey) return
      const link = (e.target as Element).closest?.('a')
      if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin || link.protocol !== location.protocol) return
      if (link.pathname.startsWith('/api/')) return
      this.write()
      // A place on the same page is the browser's own affair.
      if (link.hash && link.pathname === location.pathname && link.search === location.search) return
      e.preventDefault()
      this.go(link.pathname + link.search + link.hash)
    })
  }

  private take() {
    clearTimeout(this.timer)
    this.timer = 0
    this.path = location.pathname
    this.search = location.search
    this.hash = location.hash
  }

  go(href: string, replace = false) {
    const url = new URL(href, location.origin)
    if (replace) {
      // Browsers stop listening to a page that changes its address many times a second, as a held key does.
      this.timer ||= window.setTimeout(() => this.write(), 150)
    } else {
      this.write()
      history.pushState(null, '', url)
    }
    this.path = url.pathname
    this.search = url.search
    this.hash = url.hash
  }

  /** The address with all that was changed until now. */
  get href(): string {
    return location.origin + this.path + this.search + this.hash
  }

  private write() {
    if (this.timer === 0) return
    clearTimeout(this.timer)
    this.timer = 0
    history.replaceState(null, '', this.href)
  }

  get(key: string): string {
    return this.query.get(key) ?? ''
  }

  /** Changes parts of the query; null or empty leaves a part out. */
  set(change: Change, replace = true) {
    const next = new URLSearchParams(this.search)
    for (const [key, value] of Object.entries(change)) {
      if (value == null || value === '') next.delete(key)
      else next.set(key, value)
    }
    const text = next.toString()
    this.go(this.path + (text ? `?${text}` : '') + this.hash, replace)
  }
}

export const router = new Router()

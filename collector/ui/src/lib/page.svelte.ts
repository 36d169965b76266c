/** What all parts of the page share: the time, the width, and what is told to the reader. */

class Page {
  /** Turns once a second; for "6 s ago" and for bars of what runs. */
  now = $state(Date.now())
  width = $state(innerWidth)
  phone = $derived(this.width <= 720)
  narrow = $derived(this.width <= 1280)
  /** One line at the bottom, gone after a while. */
  said = $state('')
  /** For screen readers, at most every five seconds. */
  status = $state('')
  help = $state(false)

  private hush = 0
  private last = 0
  private next = ''
  private timer = 0

  constructor() {
    setInterval(() => (this.now = Date.now()), 1000)
    addEventListener('resize', () => (this.width = innerWidth))
  }

  say(text: string) {
    this.said = text
    this.announce(text, true)
    clearTimeout(this.hush)
    this.hush = window.setTimeout(() => (this.said = ''), 4000)
  }

  announce(text: string, atOnce = false) {
    const wait = atOnce ? 0 : Math.max(0, 5000 - (Date.now() - this.last))
    this.next = text
    clearTimeout(this.timer)
    this.timer = window.setTimeout(() => {
      this.status = this.next
      this.last = Date.now()
    }, wait)
  }

  async copy(text: string, what: string) {
    try {
      await navigator.clipboard.writeText(text)
      this.say(`${what} copied`)
    } catch {
      this.say(`${what} could not be copied: the browser forbids it on this address`)
    }
  }
}

export const page = new Page()

/** A height from the tokens, as the media queries have it now. */
export function token(name: string): number {
  return parseFloat(getComputedStyle(document.documentElement).getPropertyValue(name)) || 0
}

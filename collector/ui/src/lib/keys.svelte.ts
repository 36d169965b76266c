/** Single keys, off while typing. The screen last shown is asked first. */

export type Keys = Record<string, (e: KeyboardEvent) => void | false>

const OFF = 'runtree.keys.off'

class Keyboard {
  off = $state(localStorage.getItem(OFF) === '1')
  private layers: Keys[] = []
  private started = ''

  constructor() {
    addEventListener('keydown', (e) => this.press(e))
  }

  turn(off: boolean) {
    this.off = off
    localStorage.setItem(OFF, off ? '1' : '0')
  }

  /** For `$effect`: keys that count while a part is shown. */
  use(keys: Keys): () => void {
    this.layers.push(keys)
    return () => {
      this.layers = this.layers.filter((k) => k !== keys)
    }
  }

  private press(e: KeyboardEvent) {
    if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey) return
    const at = e.target as HTMLElement
    const typing = at.matches?.('input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]')
    if (typing && e.key !== 'Escape') return
    if (this.off && e.key.length === 1 && e.key !== '?') return
    if (document.querySelector('dialog[open]') && e.key !== '?') return
    const name = this.started + e.key
    this.started = ''
    if (e.key === 'g' && name === 'g') {
      this.started = 'g '
      setTimeout(() => (this.started = ''), 1500)
      return
    }
    for (let i = this.layers.length - 1; i >= 0; i--) {
      const act = this.layers[i][name]
      if (!act) continue
      if (act(e) !== false) {
        e.preventDefault()
        return
      }
    }
  }
}

export const keyboard = new Keyboard()

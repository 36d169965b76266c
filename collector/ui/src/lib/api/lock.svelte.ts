/** The key of this tab. It is kept until the tab closes, and only sent to the origin of the page. */
const PLACE = 'runtree.key'

class Lock {
  key = $state(sessionStorage.getItem(PLACE) ?? '')
  /** Why a key is asked for; empty when none is. */
  asked = $state('')
  /** Changes with each new key, so that what failed is asked again. */
  turn = $state(0)

  ask(why: string) {
    this.asked = why || 'This collector asks for a key.'
  }

  give(key: string) {
    sessionStorage.setItem(PLACE, key)
    this.key = key
    this.asked = ''
    this.turn++
  }

  forget() {
    sessionStorage.removeItem(PLACE)
    this.key = ''
    this.turn++
  }
}

export const lock = new Lock()

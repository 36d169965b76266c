/** The trace marked for comparing, kept in this tab. */
const PLACE = 'runtree.marked'

class Marked {
  trace = $state(sessionStorage.getItem(PLACE) ?? '')

  set(trace: string) {
    this.trace = trace
    if (trace) sessionStorage.setItem(PLACE, trace)
    else sessionStorage.removeItem(PLACE)
  }
}

export const marked = new Marked()

/** Text of a stream of server-sent events, read. */

export interface Event {
  event: string
  data: string
  id: string | null
}

/** Turns chunks of text into events, whatever way they are cut. */
export class EventReader {
  private rest = ''
  private name = ''
  private data: string[] = []
  private id: string | null = null

  read(chunk: string): Event[] {
    const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/)
    this.rest = lines.pop() ?? ''
    const found: Event[] = []
    for (const line of lines) {
      if (line === '') {
        if (this.data.length > 0 || this.name !== '') found.push({ event: this.name || 'message', data: this.data.join('\n'), id: this.id })
        this.name = ''
        this.data = []
        continue
      }
      const at = line.indexOf(':')
      const field = at < 0 ? line : line.slice(0, at)
      const value = at < 0 ? '' : line.slice(at + 1).replace(/^ /, '')
      if (field === 'event') this.name = value
      else if (field === 'data') this.data.push(value)
      else if (field === 'id') this.id = value
    }
    return found
  }
}

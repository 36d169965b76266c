/**
 * Markdown to a small tree of plain values; a component turns it into elements and text.
 * No HTML is ever understood, pictures are named and not loaded, links go to http, https and mailto only.
 */

export type Inline =
  | { kind: 'text' | 'code'; text: string }
  | { kind: 'strong' | 'em' | 'del'; inside: Inline[] }
  | { kind: 'link'; href: string; inside: Inline[] }
  | { kind: 'image'; text: string; href: string }
  | { kind: 'break' }

export type Block =
  | { kind: 'paragraph'; inside: Inline[] }
  | { kind: 'heading'; level: number; inside: Inline[] }
  | { kind: 'code'; language: string; text: string }
  | { kind: 'quote'; inside: Block[] }
  | { kind: 'list'; ordered: boolean; start: number; items: Block[][] }
  | { kind: 'table'; head: Inline[][]; rows: Inline[][][] }
  | { kind: 'rule' }

const DEEPEST = 8

export function markdown(text: string, depth = 0): Block[] {
  const lines = text.replace(/\r\n?/g, '\n').split('\n')
  const blocks: Block[] = []
  let at = 0
  const paragraph: string[] = []
  const close = () => {
    if (paragraph.length > 0) blocks.push({ kind: 'paragraph', inside: inline(paragraph.join('\n')) })
    paragraph.length = 0
  }

  while (at < lines.length) {
    const line = lines[at]
    const fence = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)/.exec(line)
    if (fence) {
      close()
      const body: string[] = []
      at++
      while (at < lines.length && !lines[at].trimStart().startsWith(fence[1])) body.push(lines[at++])
      at++
      blocks.push({ kind: 'code', language: fence[2], text: body.join('\n') })
      continue
    }
    if (line.trim() === '') {
      close()
      at++
      continue
    }
    const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*$/.exec(line)
    if (heading) {
      close()
      blocks.push({ kind: 'heading', level: heading[1].length, inside: inline(heading[2]) })
      at++
      continue
    }
    if (/^ {0,3}([-*_])( *\1){2,} *$/.test(line)) {
      close()
      blocks.push({ kind: 'rule' })
      at++
      continue
    }
    if (depth < DEEPEST && /^ {0,3}>/.test(line)) {
      close()
      const body: string[] = []
      while (at < lines.length && /^ {0,3}>/.test(lines[at])) body.push(lines[at++].replace(/^ {0,3}> ?/, ''))
      blocks.push({ kind: 'quote', inside: markdown(body.join('\n'), depth + 1) })
      continue
    }
    const bullet = /^( {0,3})([-*+]|\d{1,9}[.)])( +)(?=\S)/.exec(line)
    if (depth < DEEPEST && bullet && (paragraph.length === 0 || !/\d/.test(bullet[2]) || bullet[2].startsWith('1'))) {
      close()
      const ordered = /\d/.test(bullet[2])
      const items: Block[][] = []
      const mark = ordered ? /^( {0,3})(\d{1,9}[.)])( +)/ : /^( {0,3})([-*+])( +)/
      while (at < lines.length) {
        const own = mark.exec(lines[at])
        if (!own) break
        const indent = own[0].length
        const body = [lines[at].slice(indent)]
        at++
        while (at < lines.length && (lines[at].startsWith(' '.repeat(Math.min(indent, 2))) || (lines[at].trim() === '' && lines[at + 1]?.startsWith('  ')))) {
          body.push(lines[at].slice(Math.min(indent, lines[at].length - lines[at].trimStart().length)))
          at++
        }
        items.push(markdown(body.join('\n'), depth + 1))
        while (at < lines.length && lines[at].trim() === '' && mark.test(lines[at + 1] ?? '')) at++
      }
      blocks.push({ kind: 'list', ordered, start: ordered ? parseInt(bullet[2], 10) : 1, items })
      continue
    }
    if (line.includes('|') && /^ *\|? *:?-+:? *(\| *:?-+:? *)*\|? *$/.test(lines[at + 1] ?? '') && (lines[at + 1] ?? '').includes('-')) {
      close()
      const head = cells(line)
      const rows: Inline[][][] = []
      at += 2
      while (at < lines.length && lines[at].includes('|') && lines[at].trim() !== '') rows.push(cells(lines[at++]))
      blocks.push({ kind: 'table', head, rows })
      continue
    }
    paragraph.push(line)
    at++
  }
  close()
  return blocks
}

const cells = (line: string) => line.trim().replace(/^\||\|$/g, '').split('|').map((c) => inline(c.trim()))

const MARK = /(`+)|\*\*|__|~~|\*|_|!\[|\[|\n|\\|https?:\/\//g

export function inline(text: string, depth = 0): Inline[] {
  const found: Inline[] = []
  let plain = ''
  let at = 0
  const flush = () => {
    if (plain !== '') found.push({ kind: 'text', text: plain })
    plain = ''
  }
  const push = (item: Inline) => {
    flush()
    found.push(item)
  }
  if (depth > DEEPEST) return [{ kind: 'text', text }]

  while (at < text.length) {
    MARK.lastIndex = at
    const mark = MARK.exec(text)
    if (!mark) {
      plain += text.slice(at)
      break
    }
    plain += text.slice(at, mark.index)
    at = mark.index
    const sign = mark[0]

    if (sign === '\\') {
      plain += text[at + 1] === undefined ? '\\' : /[\\`*_{}[\]()#+.!~|>-]/.test(text[at + 1]) ? text[at + 1] : '\\' + text[at + 1]
      at += 2
    } else if (sign === '\n') {
      push({ kind: 'break' })
      at += 1
    } else if (sign[0] === '`') {
      const end = text.indexOf(sign, at + sign.length)
      if (end < 0) {
        plain += sign
        at += sign.length
      } else {
        push({ kind: 'code', text: text.slice(at + sign.length, end).replace(/^ (.+) $/, '$1') })
        at = end + sign.length
      }
    } else if (sign === '[' || sign === '![') {
      const link = /^!?\[((?:[^[\]]|\[[^\]]*\])*)\]\(\s*<?([^\s<>()]*(?:\([^\s()]*\)[^\s<>()]*)*)>?(?:\s+["'][^"']*["'])?\s*\)/.exec(text.slice(at, at + 4096))
      if (!link) {
        plain += sign
        at += sign.length
      } else {
        const href = safeHref(link[2])
        if (sign === '![') push({ kind: 'image', text: link[1], href: link[2] })
        else if (href) push({ kind: 'link', href, inside: inline(link[1], depth + 1) })
        else plain += link[0]
        at += link[0].length
      }
    } else if (sign.startsWith('http')) {
      const url = /^https?:\/\/[^\s<>"'`)\]]+/.exec(text.slice(at, at + 4096))
      const shown = url ? url[0].replace(/[.,;:!?]+$/, '') : sign
      const href = url ? safeHref(shown) : null
      if (href) push({ kind: 'link', href, inside: [{ kind: 'text', text: shown }] })
      else plain += shown
      at += shown.length
    } else {
      const kind = sign === '~~' ? 'del' : sign.length === 2 ? 'strong' : 'em'
      const inWord = sign[0] === '_' && /\w/.test(text[at - 1] ?? '')
      const end = inWord || /\s/.test(text[at + sign.length] ?? ' ') ? -1 : text.indexOf(sign, at + sign.length + 1)
      if (end < 0 || /\s/.test(text[end - 1]) || (sign[0] === '_' && /\w/.test(text[end + sign.length] ?? ''))) {
        plain += sign
        at += sign.length
      } else {
        push({ kind, inside: inline(text.slice(at + sign.length, end), depth + 1) })
        at = end + sign.length
      }
    }
  }
  flush()
  return found
}

/** A link that may be followed, or null. */
export function safeHref(href: string): string | null {
  try {
    const url = new URL(href)
    return url.protocol === 'http:' || url.protocol === 'https:' || url.protocol === 'mailto:' ? url.href : null
  } catch {
    return null
  }
}

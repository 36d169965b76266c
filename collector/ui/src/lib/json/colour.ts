/** Text that looks like JSON in coloured pieces, also when it is not quite JSON. */
import type { Piece } from './lines'

const TOKEN = /"(?:[^"\\\n]|\\.)*"(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|\b(?:true|false|null)\b|[{}[\],:]/g

export function looksLikeJson(language: string, text: string): boolean {
  return /^json/i.test(language) || (language === '' && /^\s*[[{]/.test(text))
}

export function colour(text: string, most = 20_000): Piece[] {
  if (text.length > most) return [{ kind: 'note', text }]
  const found: Piece[] = []
  let at = 0
  const push = (kind: Piece['kind'], part: string) => part !== '' && found.push({ kind, text: part })
  for (const token of text.matchAll(TOKEN)) {
    push('mark', text.slice(at, token.index))
    const own = token[0]
    if (token[1] !== undefined) {
      push('key', own.slice(0, -token[1].length))
      push('mark', token[1])
    } else if (own[0] === '"') push('string', own)
    else if (/[-\d]/.test(own[0])) push('number', own)
    else if (/[tfn]/.test(own[0])) push('literal', own)
    else push('mark', own)
    at = token.index + own.length
  }
  push('mark', text.slice(at))
  return found
}

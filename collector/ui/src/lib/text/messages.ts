/** Chat messages out of inputs and outputs, in the shapes that LangChain, OpenAI and Anthropic give them. */

export interface ToolCall {
  name: string
  id: string
  args: unknown
}

export type Part = { kind: 'text'; text: string } | { kind: 'other'; label: string; value: unknown }

export interface Message {
  role: string
  name: string
  parts: Part[]
  toolCalls: ToolCall[]
  /** Which call it answers. */
  answers: string
}

type Fields = Record<string, unknown>

const isFields = (v: unknown): v is Fields => typeof v === 'object' && v !== null && !Array.isArray(v)

const ROLES: Record<string, string> = {
  user: 'human', human: 'human', HumanMessage: 'human', assistant: 'ai', ai: 'ai', AIMessage: 'ai', AIMessageChunk: 'ai',
  system: 'system', SystemMessage: 'system', developer: 'system', tool: 'tool', ToolMessage: 'tool', function: 'tool', FunctionMessage: 'tool',
}

export function message(value: unknown): Message | null {
  if (Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'string' && value[0] in ROLES) {
    return { role: ROLES[value[0]], name: '', parts: [{ kind: 'text', text: value[1] }], toolCalls: [], answers: '' }
  }
  if (!isFields(value)) return null
  let body = value
  let role = ''
  if (Array.isArray(value.id) && isFields(value.kwargs)) {
    role = String(value.id[value.id.length - 1])
    body = value.kwargs
  } else if (isFields(value.data) && typeof value.type === 'string') {
    role = value.type
    body = value.data
  } else if (isFields(value.message) && ('generation_info' in value || 'text' in value || 'finish_reason' in value || 'index' in value)) {
    return message(value.message)
  }
  role ||= typeof body.role === 'string' ? body.role : typeof body.type === 'string' ? body.type : ''
  if (!Object.hasOwn(ROLES, role) || !('content' in body || 'tool_calls' in body)) return null
  const extra = isFields(body.additional_kwargs) ? body.additional_kwargs : {}
  const given = content(body.content)
  return {
    role: ROLES[role],
    name: typeof body.name === 'string' ? body.name : '',
    parts: given.parts,
    toolCalls: [...toolCalls(body.tool_calls), ...(body.tool_calls === undefined || (Array.isArray(body.tool_calls) && body.tool_calls.length === 0) ? toolCalls(extra.tool_calls) : []), ...given.calls],
    answers: typeof body.tool_call_id === 'string' ? body.tool_call_id : '',
  }
}

function content(value: unknown): { parts: Part[]; calls: ToolCall[] } {
  if (value == null || value === '') return { parts: [], calls: [] }
  if (typeof value === 'string') return { parts: [{ kind: 'text', text: value }], calls: [] }
  if (!Array.isArray(value)) return { parts: [{ kind: 'other', label: 'content', value }], calls: [] }
  const parts: Part[] = []
  const calls: ToolCall[] = []
  for (const part of value) {
    if (typeof part === 'string') parts.push({ kind: 'text', text: part })
    else if (isFields(part) && typeof part.text === 'string') parts.push({ kind: 'text', text: part.text })
    else if (isFields(part) && part.type === 'tool_use') calls.push({ name: String(part.name ?? ''), id: String(part.id ?? ''), args: part.input })
    else parts.push({ kind: 'other', label: isFields(part) && typeof part.type === 'string' ? part.type : 'part', value: part })
  }
  return { parts, calls }
}

function toolCalls(value: unknown): ToolCall[] {
  if (!Array.isArray(value)) return []
  return value.filter(isFields).map((call) => {
    const fn = isFields(call.function) ? call.function : call
    let args: unknown = fn.args ?? fn.arguments ?? fn.input
    if (typeof args === 'string') {
      try {
        args = JSON.parse(args)
      } catch {
        // What a model wrote may be half a document: it is shown as it is.
      }
    }
    return { name: String(fn.name ?? ''), id: String(call.id ?? ''), args }
  })
}

/** All messages of a payload, in order; empty when it holds none. */
export function messages(payload: unknown): Message[] {
  if (payload == null) return []
  const own = message(payload)
  if (own) return [own]
  if (Array.isArray(payload)) return list(payload)
  if (!isFields(payload)) return []
  if (Array.isArray(payload.generations)) return payload.generations.flat().map(message).filter((m) => m !== null)
  if (Array.isArray(payload.choices)) return payload.choices.map((c) => (isFields(c) ? message(c.message) : null)).filter((m) => m !== null)
  for (const key of ['messages', 'chat_history', 'message', 'output', 'input']) {
    const found = message(payload[key])
    if (found) return [found]
    const many = list(payload[key])
    if (many.length > 0) return many
  }
  return []
}

function list(value: unknown): Message[] {
  if (!Array.isArray(value)) return []
  const flat = value.length > 0 && value.every((v) => Array.isArray(v) && !message(v)) ? value.flat() : value
  const found = flat.map(message)
  return found.every((m) => m !== null) ? found : found.filter((m) => m !== null)
}

/** One line of what a payload says: for conversations and previews. */
export function saying(payload: unknown, side: 'in' | 'out'): string {
  if (payload == null) return ''
  if (typeof payload === 'string') return payload
  const all = messages(payload)
  if (all.length > 0) {
    const last = side === 'in' ? (all.findLast((m) => m.role === 'human') ?? all[all.length - 1]) : all[all.length - 1]
    return last.parts.map((p) => (p.kind === 'text' ? p.text : `[${p.label}]`)).join('\n')
  }
  if (isFields(payload)) {
    const values = Object.values(payload)
    if (values.length === 1 && typeof values[0] === 'string') return values[0]
    for (const key of side === 'in' ? ['input', 'question', 'query', 'text', 'prompt'] : ['output', 'answer', 'text', 'result', 'content']) {
      if (typeof payload[key] === 'string') return payload[key]
    }
  }
  return JSON.stringify(payload)
}

import { describe, expect, it } from 'vitest'
import { back } from './back'
import { chip, complete, filter, parse, seconds, without, write } from './language'

const asked = (text: string) => filter(parse(text))

describe('the query bar', () => {
  it.each([
    ['error:true', 'eq(status, "error")'],
    ['error:false', 'neq(status, "error")'],
    ['run_type:llm', 'eq(run_type, "llm")'],
    ['run_type:llm,tool', 'in(run_type, ["llm", "tool"])'],
    ['latency>2s', 'gt(latency, 2)'],
    ['latency<=800ms', 'lte(latency, 0.8)'],
    ['ttft>1.5m', 'gt(first_token_latency, 90)'],
    ['tag:prod', 'has(tags, "prod")'],
    ['metadata.tenant:t1', 'and(eq(metadata_key, "tenant"), eq(metadata_value, "t1"))'],
    ['feedback.helpful<1', 'and(eq(feedback_key, "helpful"), lt(feedback_score, 1))'],
    ['"free text"', 'search("free text")'],
    ['word', 'search("word")'],
    ['-name:ping', 'not(eq(name, "ping"))'],
    ['name:*agent', 'like(name, "%agent")'],
    ['status:running', 'eq(status, "pending")'],
    ['errors_inside>0', 'gt(errors_inside, 0)'],
    ['orphan:true', 'eq(is_orphan, true)'],
    ['tokens>=1000', 'gte(total_tokens, 1000)'],
    ['thread:"a b"', 'eq(thread_id, "a b")'],
    ['error:true tag:prod', 'and(eq(status, "error"), has(tags, "prod"))'],
    ['', undefined],
    ['   ', undefined],
  ])('%s', (text, expression) => expect(asked(text)).toBe(expression))

  it('takes an address and a time of day as free text', () => {
    expect(asked('http://x')).toBe('search("http://x")')
    expect(asked('12:30')).toBe('search("12:30")')
  })
  it('cannot be led out of a string', () => {
    expect(asked('tag:"a\\"), eq(id, \\"b"')).toBe('has(tags, "a\\"), eq(id, \\"b")')
    expect(asked('name:x")')).toBe('eq(name, "x\\")")')
  })
  it('says what is wrong, and asks without it', () => {
    expect(parse('latency>soon')[0].wrong).toBe('soon is not a time; write 2s or 800ms')
    expect(parse('error:maybe')[0].wrong).toBe('error is true or false')
    expect(asked('latency>soon tag:a')).toBe('has(tags, "a")')
  })
  it('keeps an open quote to the end', () => {
    expect(parse('"not closed')[0].value).toBe('not closed')
  })
  it('shows chips and takes them off', () => {
    const text = 'tag:prod latency>2s -name:ping "free text"'
    const terms = parse(text)
    expect(terms.map(chip)).toEqual([{ name: 'tag', value: 'prod' }, { name: 'latency', value: '> 2s' }, { name: 'name is not', value: 'ping' }, { name: 'text', value: '"free text"' }])
    expect(without(text, terms[1])).toBe('tag:prod -name:ping "free text"')
    expect(without(text, terms[3])).toBe('tag:prod latency>2s -name:ping')
  })
  it.each(['error:true', '-error:true', 'run_type:llm', 'latency>2s', 'tag:prod', '-tag:prod', 'metadata.tenant:t1', 'feedback.helpful<1', '"free text"', '-name:ping', 'status:running', 'error:true tag:prod latency<0.5s', 'name:*agent'])('comes back from its expression: %s', (text) => {
    expect(back(asked(text) as string)).toBe(text)
  })
  it('does not pretend to know what chips cannot say', () => {
    expect(back('or(eq(name, "a"), eq(name, "b"))')).toBe(null)
    expect(back('nonsense(')).toBe(null)
  })
  it('quotes what needs it', () => {
    expect(write({ key: 'name', op: ':', value: 'a b', not: true })).toBe('-name:"a b"')
  })
  it('completes keys and values', () => {
    expect(complete('err', 3).options[0].text).toBe('error:true')
    expect(complete('tag:a run_type:l', 16)).toMatchObject({ from: 6, to: 16, options: [{ text: 'run_type:llm' }] })
    expect(complete('-or', 3).options[0].text).toBe('-orphan:true')
  })
  it('reads lengths of time', () => {
    expect([seconds('2'), seconds('250ms'), seconds('1h'), seconds('x')]).toEqual([2, 0.25, 3600, null])
  })
})

/** Which screen an address shows. */

export type Screen = 'projects' | 'traces' | 'trace' | 'threads' | 'dashboard' | 'compare' | 'settings' | 'public' | 'unknown'

export interface Place {
  screen: Screen
  project: string
  trace: string
  token: string
}

const none = { project: '', trace: '', token: '' }

export function placeOf(path: string, query: URLSearchParams): Place {
  let parts: string[]
  try {
    parts = path.split('/').filter((p) => p !== '').map(decodeURIComponent)
  } catch {
    return { ...none, screen: 'unknown' }
  }
  if (parts.length === 0) return { ...none, screen: 'projects' }
  const [head, project, screen, last] = parts
  if (head === 'settings' && parts.length === 1) return { ...none, screen: 'settings' }
  if (head === 'public' && parts.length >= 2) return { ...none, screen: 'public', token: project }
  // The links that the other libraries print: /o/{tenant}/projects/p/{project}/r/{run}?trace_id=…
  if (head === 'o' && parts[2] === 'projects' && parts[3] === 'p' && parts[4]) {
    const run = parts[5] === 'r' ? parts[6] : ''
    const trace = query.get('trace_id') ?? run
    return { ...none, screen: trace ? 'trace' : 'traces', project: parts[4], trace }
  }
  if (head !== 'p' || !project) return { ...none, screen: 'unknown' }
  if (screen === 't' && last) return { ...none, screen: 'trace', project, trace: last }
  if (parts.length === 2) return { ...none, screen: 'traces', project }
  if (parts.length === 3 && ['traces', 'threads', 'dashboard', 'compare', 'settings'].includes(screen)) return { ...none, screen: screen as Screen, project }
  return { ...none, screen: 'unknown' }
}

const part = encodeURIComponent

export const to = {
  projects: () => '/',
  screen: (project: string, screen: string) => (project ? `/p/${part(project)}/${screen}` : screen === 'settings' ? '/settings' : '/'),
  trace: (project: string, trace: string, run?: string) => `/p/${part(project)}/t/${part(trace)}${run && run !== trace ? `?run=${part(run)}` : ''}`,
}

/** The list of projects, read once and again when asked; names for ids. */
import { api } from './api/client'
import type { Project } from './api/types'

class Projects {
  list = $state.raw<Project[]>([])
  loaded = $state(false)
  failed = $state('')

  async read() {
    try {
      this.list = await api.projects()
      this.failed = ''
    } catch (e) {
      this.failed = (e as Error).message
    }
    this.loaded = true
  }

  name(id: string): string {
    return this.list.find((p) => p.id === id)?.name ?? id.slice(0, 8)
  }
}

export const projects = new Projects()

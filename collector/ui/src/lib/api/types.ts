/** What the collector answers. Only fields the pages read; times are ISO text, latencies seconds, costs decimal text or number. */

/** A run without its payload: what the tree call and the stream carry. */
export interface Row {
  id: string
  trace_id?: string
  parent_run_id?: string | null
  session_id?: string
  name: string
  run_type: string
  status: string
  start_time?: string | null
  end_time?: string | null
  first_token_time?: string | null
  prompt_tokens?: number | null
  completion_tokens?: number | null
  total_tokens?: number | null
  total_cost?: number | string | null
  dotted_order?: string | null
  error?: string | null
  tags?: string[] | null
  is_orphan?: boolean
  is_created?: boolean
  /** The model, when the server knows it. */
  model?: string | null
  truncated?: boolean | null
  thread_id?: string | null
  version?: number
}

export interface Run extends Row {
  inputs?: unknown
  outputs?: unknown
  extra?: { metadata?: Record<string, unknown>; runtime?: Record<string, unknown> } | null
  events?: RunEvent[] | null
  inputs_preview?: string | null
  outputs_preview?: string | null
  errors_inside?: number
  feedback_stats?: Record<string, { n?: number; avg?: number | null }> | null
  serialized?: unknown
  share_token?: string | null
  s3_urls?: Record<string, { presigned_url: string; mime_type?: string }> | null
}

export interface RunEvent {
  name?: string
  time?: string
  kwargs?: Record<string, unknown>
  [more: string]: unknown
}

export interface Stats {
  run_count?: number
  error_rate?: number | null
  error_count?: number | null
  latency_p50?: number | null
  latency_p95?: number | null
  latency_p99?: number | null
  first_token_p50?: number | null
  first_token_p95?: number | null
  first_token_p99?: number | null
  total_tokens?: number | null
  prompt_tokens?: number | null
  completion_tokens?: number | null
  total_cost?: number | string | null
  last_run_start_time?: string | null
}

export interface Project extends Stats {
  id: string
  name: string
  start_time?: string
  description?: string | null
  extra?: Record<string, unknown> | null
}

export interface Bucket extends Stats {
  start: string
  /** Only when split: name, run type or model. */
  group?: string
}

export interface Thread {
  thread_id: string
  count: number
  first?: string
  last?: string
  first_input?: string
  last_output?: string
  total_tokens?: number
  total_cost?: number | string
  latency_p50?: number
  error_count?: number
  running?: boolean
}

export interface Feedback {
  id: string
  run_id: string
  key: string
  score?: number | boolean | null
  value?: unknown
  comment?: string | null
  correction?: unknown
  created_at?: string
  feedback_source?: { type?: string } | null
}

export interface ApiKey {
  id: string
  name: string
  prefix: string
  created_at?: string
  last_used_at?: string | null
  projects?: string[] | null
  rights?: string[] | string | null
}

export interface Health {
  version?: string
  uptime_seconds?: number
  queue?: { operations?: number; bytes?: number; capacity?: number }
  stored?: number
  refused?: { reason: string; count: number }[]
  orphans?: number
  database_bytes?: number
  last_error?: string | { message?: string; time?: string } | null
}

export interface RunQuery {
  session?: string[]
  is_root?: boolean
  run_type?: string
  trace?: string
  filter?: string
  start_time?: string
  end_time?: string
  select?: string[]
  order?: 'asc' | 'desc'
  limit?: number
  cursor?: string | null
}

export interface RunPage {
  runs: Run[]
  cursors?: { next?: string | null }
}

import type { RegionStatus } from '../../agent/http/status.ts'
import type { ProcessStatus } from '../../agent/supervision/supervised-process.ts'
import type { ProcessState } from '../../agent/supervision/transitions.ts'
import type { Durability, DurabilityAsked } from '../../failover/durability.ts'
import type { RegionHealth, Verdict } from '../../failover/types.ts'

/** The output of `nearside status --json`. Fields may be added, but never change and never disappear. */
export type WorldStatus = {
  world: string
  domain: string
  /** Id of the lab that the world runs in, if any. */
  lab?: string
  /** Time of the query, milliseconds since 1970. */
  at: number
  /** Set while a command is stopping the world. */
  stopping?: true
  health: Health
  problems: Problem[]
  primary?: string
  durability: Durability
  /** The durability that the topology requests. */
  durabilityAsked: DurabilityAsked
  /**
   * The agents' shared view (health, verdicts, lag, primary), from the agent with the freshest copy, with its age.
   * Absent when no agent answers; then everything here comes from the engines directly.
   */
  shared?: { ageMs: number; from: string; etcdError?: string }
  verdicts: Verdict[]
  regions: RegionReport[]
}

/**
 * `healthy`: nothing to do. `degraded`: users are served, but something needs attention. `down`: no region serves
 * users.
 */
export type Health = 'healthy' | 'degraded' | 'down'

export type Problem = { code: string; region?: string; message: string; remedy?: string }

/** `serving`: users get answers. `no app`: the edge runs but has no healthy app. `unreachable`: nothing answers. */
export type Edge = 'serving' | 'no app' | 'unreachable'

export type ShownProcess = Omit<ProcessStatus, 'state' | 'restarts' | 'engine'> & {
  /** `running` and `gone` come from a record and /proc when no agent answers. */
  state: ProcessState | 'running' | 'gone'
  /** Unknown without an agent. */
  restarts?: number
}

export type RegionReport = Partial<Omit<RegionStatus, 'agent' | 'processes'>> & {
  region: string
  role: string
  address: string
  /** Source of this report: the region's agent, or its engines and process records. */
  source: 'agent' | 'engines'
  agent: RegionStatus['agent'] | null
  /** `hangs`: the process exists but does not answer. `elsewhere`: on another machine and not answering. */
  agentState: 'answers' | 'hangs' | 'gone' | 'elsewhere'
  health?: RegionHealth
  edge?: Edge
  lag?: { lagMs?: number; lagBytes?: number; streaming: boolean }
  processes: ShownProcess[]
}

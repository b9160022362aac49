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
  /** The region that holds the primary, if `primaryKnown` is `yes`. */
  primary?: string
  primaryKnown: PrimaryKnowledge
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
 * users. `unknown`: no region is known to serve users, and not all have answered in time.
 */
export type Health = 'healthy' | 'degraded' | 'down' | 'unknown'

/**
 * Whether a region holds the primary, as of `ageMs` ago. `unknown`: nobody who would know has answered in time; `last`
 * held it `ageMs` ago.
 */
export type PrimaryKnowledge =
  | { state: 'yes' | 'no'; ageMs: number }
  | { state: 'unknown'; why: string; last?: string; ageMs?: number }

export type Problem = { code: string; region?: string; message: string; remedy?: string }

/**
 * `serving`: users get answers. `no app`: the edge runs but has no healthy app. `unreachable`: connections are refused
 * or break. `unknown`: no answer in time.
 */
export type Edge = 'serving' | 'no app' | 'unreachable' | 'unknown'

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
  /** `hangs`: the process exists but did not answer in time. `elsewhere`: on another machine, and did not answer. */
  agentState: 'answers' | 'hangs' | 'gone' | 'elsewhere'
  /** What did not answer in time, and the time that it had. */
  silentMs?: { agent?: number; edge?: number; patroni?: number }
  health?: RegionHealth
  edge?: Edge
  lag?: { lagMs?: number; lagBytes?: number; streaming?: boolean }
  processes: ShownProcess[]
}

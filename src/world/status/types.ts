import type { RegionStatus } from '../../agent/http/status.ts'
import type { ProcessStatus } from '../../agent/supervision/supervised-process.ts'
import type { ProcessState } from '../../agent/supervision/transitions.ts'
import type { Durability, DurabilityAsked } from '../../failover/durability.ts'
import type { RegionHealth, Verdict } from '../../failover/types.ts'

/** The answer of `nearside status --json`. Fields are added, never changed or taken away. */
export type WorldStatus = {
  world: string
  domain: string
  /** The id of the lab that it lives in, if it does. */
  lab?: string
  /** When it was asked, milliseconds since 1970. */
  at: number
  health: Health
  problems: Problem[]
  primary?: string
  durability: Durability
  /** What the topology asks for. */
  durabilityAsked: DurabilityAsked
  /**
   * What the agents know together (health, verdicts, lag, primary), by the freshest of those that answered: how old
   * it is, and whose it is. Absent when no agent answers; then everything here comes from the engines themselves.
   */
  shared?: { ageMs: number; from: string; etcdError?: string }
  verdicts: Verdict[]
  regions: RegionReport[]
}

/** `well`: nothing to do. `degraded`: users are served, and something needs a look. `down`: no region serves users. */
export type Health = 'healthy' | 'degraded' | 'down'

export type Problem = { code: string; region?: string; message: string; remedy?: string }

/** `serving`: users get answers. `no app`: it works and has nobody to send them to. `silent`: nothing answers. */
export type Edge = 'serving' | 'no app' | 'unreachable'

export type ShownProcess = Omit<ProcessStatus, 'state' | 'restarts' | 'engine'> & {
  /** `running` and `gone` are what a record and /proc say when no agent does. */
  state: ProcessState | 'running' | 'gone'
  /** Unknown without an agent. */
  restarts?: number
}

export type RegionReport = Partial<Omit<RegionStatus, 'agent' | 'processes'>> & {
  region: string
  role: string
  address: string
  /** Who says what is here: the region's agent, or its engines and process records. */
  source: 'agent' | 'engines'
  agent: RegionStatus['agent'] | null
  /** `hangs`: the process lives and does not answer. `elsewhere`: not on this machine, and it does not answer. */
  agentState: 'answers' | 'hangs' | 'gone' | 'elsewhere'
  health?: RegionHealth
  edge?: Edge
  lag?: { lagMs?: number; lagBytes?: number; streaming: boolean }
  processes: ShownProcess[]
}

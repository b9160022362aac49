import type { Location } from '../../geo/distance.ts'
import type { Effort } from './effort.ts'

/** Complete result of a run; reports only format it. All latencies in ms, from the due time of a request. */
export type UsersResult = {
  world: string
  asked: Asked
  /** ISO time, and the same moment on the machine's monotonic clock (`clockMs`) as used by histories. */
  startedAt: string
  startedMs: number
  ranMs: number
  /** Stopped early; `unanswered` requests were in flight and are not counted. */
  stopped: boolean
  unanswered: number
  /** False: without network distance, because all users are on this machine. */
  distances: boolean
  users: number
  all: Part
  /** By connection: already open, or newly opened, possibly after a DNS lookup. */
  warm: Part
  cold: Part & { named: Timed; connected: Timed }
  areas: Part[]
  places: PlacePart[]
  /** By the region from DNS. */
  regions: (Part & { location: Location })[]
  kinds: Part[]
  errors: { error: string; count: number; share: number; firstAtMs: number; lastAtMs: number }[]
  /** Requests by users' area, region from DNS, and region that answered. */
  served: { area: string; edge: string; servedBy: string; requests: number }[]
  slo: Slo
  /** Bin bounds in ms, the same for all areas; counts of answered requests by area. */
  histogram: { boundsMs: number[]; areas: { name: string; counts: number[] }[] }
  /** Share of all requests that succeeded within each of these times, by area; ends below 1 if some failed. */
  curves: { name: string; points: [ms: number, share: number][] }[]
  timeline: {
    everyMs: number
    steps: { atMs: number; requests: number; failed: number; p50: number; p95: number }[]
  }
  effort: Effort
}

export type Asked = { ratePerSecond: number; mix: string; places: string; forMs: number; seed: number }

/** Count and duration, of the requests that had to do it. */
export type Timed = { requests: number; latency: Latency }

export type Latency = { p50: number; p95: number; p99: number; max: number; mean: number }

export type Part = {
  name: string
  requests: number
  /** Failed requests. Latencies are those of the others. */
  failed: number
  latency: Latency
  /** Share of all requests, including failed ones, that succeeded within the SLO's time. */
  fastShare: number
}

export type PlacePart = Part & {
  area: string
  location: Location
  edges: { name: string; requests: number }[]
}

type Slo = {
  latencyMs: number
  share: number
  fastShare: number
  met: boolean
  /** The same for requests on open connections. */
  warmFastShare: number
  /** Share of users for whom at least half of their requests succeeded within the time. */
  usersFastShare: number
}

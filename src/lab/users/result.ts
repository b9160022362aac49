import type { Location } from '../../geo/distance.ts'
import type { Effort } from './effort.ts'

/** What users met, complete: reports only show it. All latencies in ms, from when a request was due. */
export type UsersResult = {
  world: string
  asked: Asked
  /** ISO time, and the same moment on the machine's monotonic clock (`clockMs`), as histories use it. */
  startedAt: string
  startedMs: number
  ranMs: number
  /** Stopped before its time was over; then `unanswered` were still under way, and count nowhere. */
  stopped: boolean
  unanswered: number
  /** false: everybody was as near as this machine is to itself. */
  distances: boolean
  users: number
  all: Part
  /** By how a request found its connection: there already, or with connecting and perhaps asking for the name. */
  warm: Part
  cold: Part & { named: Timed; connected: Timed }
  areas: Part[]
  places: PlacePart[]
  /** By the region that DNS named. */
  regions: (Part & { location: Location })[]
  kinds: Part[]
  errors: { error: string; count: number; share: number; firstAtMs: number; lastAtMs: number }[]
  /** Which users were sent where, and who answered them in the end. */
  served: { area: string; edge: string; servedBy: string; requests: number }[]
  slo: Slo
  /** Bounds of bins in ms, the same for all areas; counts of answered requests by area. */
  histogram: { boundsMs: number[]; areas: { name: string; counts: number[] }[] }
  /** Share of all requests that were answered well up to each of these times, by area; ends below 1 if some failed. */
  curves: { name: string; points: [ms: number, share: number][] }[]
  timeline: {
    everyMs: number
    steps: { atMs: number; requests: number; failed: number; p50: number; p95: number }[]
  }
  effort: Effort
}

export type Asked = { ratePerSecond: number; mix: string; places: string; forMs: number; seed: number }

/** Of those that had to do it: how many, and how long that took. */
export type Timed = { requests: number; latency: Latency }

export type Latency = { p50: number; p95: number; p99: number; max: number; mean: number }

export type Part = {
  name: string
  requests: number
  /** Not answered as they should be. Latencies are those of the others. */
  failed: number
  latency: Latency
  /** Share of all requests, failed ones included, that were answered well within the SLO's time. */
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
  /** The same for requests on a connection that was there already. */
  warmFastShare: number
  /** Share of users for whom at least half of their requests were answered well within the time. */
  usersFastShare: number
}

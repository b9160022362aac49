import { trafficLogVersion } from './log.ts'
import { parseTable } from './parse.ts'

/** Sources of the agents' traffic metrics: HAProxy's exact counters and its sampled log. */

/**
 * Why a region served a request:
 *
 * - `local`: a read, served by the region that received it
 * - `spill`: a read, served by another region because the receiving one had no healthy app
 * - `edge`: a read, served by another region because the receiving one runs no app
 * - `write`: sent to the primary's region, which may be the receiving one
 * - `hold`: the same, after waiting for a primary
 * - `cache`: served by one of the caches
 */
export type Why = 'local' | 'spill' | 'edge' | 'write' | 'hold' | 'cache'

export type Served = { region: string; why: Why; requests: number }

export type Edge = { region: string; full: boolean }

/** Parses `show table served`: requests since the worker started, by serving region. */
export function parseServed(text: string, edge: Edge): Served[] {
  const counts = new Map<string, Served>()
  for (const { key, data } of parseTable(text)) {
    const [region = '', group = ''] = key.split(' ')
    const why = whyOf(group, region, edge)
    if (region === '' || region.startsWith('-') || why === undefined) continue
    const before = counts.get(`${region} ${why}`)?.requests ?? 0
    counts.set(`${region} ${why}`, { region, why, requests: before + (data.gpc0 ?? 0) })
  }
  return [...counts.values()]
}

/** Requests that HAProxy sent past Varnish since the worker started. */
export type Bypassed = {
  /** The cache could not store their URL lately. */
  unstorable: number
  /** Varnish had too many responses under way. */
  noThread: number
}

/** Keys in the table of served requests. No region has such a name. */
export const bypassKeys: Record<keyof Bypassed, string> = {
  unstorable: '-unstorable',
  noThread: '-no-thread',
}

/** Parses `show table served`. */
export function parseBypassed(text: string): Bypassed {
  const rows = parseTable(text)
  const countOf = (key: string) => rows.find((row) => row.key === key)?.data.gpc0 ?? 0
  return { unstorable: countOf(bypassKeys.unstorable), noThread: countOf(bypassKeys.noThread) }
}

function whyOf(group: string, served: string, edge: Edge): Why | undefined {
  if (group === 'write' || group === 'hold' || group === 'cache') return group
  if (group !== '') return undefined
  if (served === edge.region) return 'local'
  return edge.full ? 'spill' : 'edge'
}

export type TrafficSample = {
  /** Number of requests that this line represents. */
  weight: number
  /** The receiving region. */
  edge: string
  /** The serving region; undefined when HAProxy answered itself (no healthy app, refused). */
  served: string | undefined
  why: Why | undefined
  write: boolean
  status: number
  /** From the first byte of the request to the response's headers; undefined without a response. */
  firstByteMs: number | undefined
  /** Until the last byte of the response; for a stream, its whole duration. */
  totalMs: number
  cache: 'hit' | 'miss' | 'stale' | 'pass' | undefined
}

const label = '[a-z0-9-]{1,63}'
const number = '-?\\d{1,10}'
const line = new RegExp(
  `^${trafficLogVersion} (-|\\d{1,4}) (${label}) (-|${label}) (-|write|hold|cache) (${number}) (${number}) (${number}) (${number}) (${number}) (${number}) (-|hit|miss|stale|pass)$`,
)

/**
 * Parses one datagram of the traffic log; undefined for anything that HAProxy would not send. Any host that reaches the
 * agent's port can send datagrams, so callers must also check that `edge` and `served` are known regions.
 */
export function parseTrafficLine(text: string, full: boolean): TrafficSample | undefined {
  const match = line.exec(text.trimEnd())
  if (!match) return undefined
  const [, weight, edge = '', served, group, status, ...rest] = match
  const cache = rest.pop() as TrafficSample['cache'] | '-'
  const [headerMs = -1, queueMs = -1, connectMs = -1, responseMs = -1, totalMs = -1] = rest.map(Number)
  const known = served === '-' ? undefined : served
  return {
    weight: weight === '-' ? 1 : Number(weight),
    edge,
    served: known,
    why: known === undefined ? undefined : whyOf(group === '-' ? '' : group!, known, { region: edge, full }),
    write: group === 'write' || group === 'hold',
    status: Number(status),
    firstByteMs:
      responseMs < 0
        ? undefined
        : [headerMs, queueMs, connectMs, responseMs].reduce((sum, ms) => sum + Math.max(ms, 0), 0),
    totalMs: Math.max(totalMs, 0),
    cache: cache === '-' ? undefined : cache,
  }
}

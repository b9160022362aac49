import { trafficLogVersion } from './log.ts'
import { parseTable } from './parse.ts'

/** Where the agents' traffic metrics come from: HAProxy's exact counters and its sampled log. */

/**
 * Why a region served a request. `local` the region that received it, a read; `spill` another region, because no app
 * was healthy there; `edge` another region, because the receiving one has no app; `write` sent to the primary's region (it
 * may be the receiving one); `hold` the same after waiting for a primary; `cache` one of the caches.
 */
export type Why = 'local' | 'spill' | 'edge' | 'write' | 'hold' | 'cache'

export type Served = { region: string; why: Why; requests: number }

export type Edge = { region: string; full: boolean }

/** `show table served`: requests by region that served, since the worker started. */
export function parseServed(text: string, edge: Edge): Served[] {
  const counts = new Map<string, Served>()
  for (const { key, data } of parseTable(text)) {
    const [region = '', group = ''] = key.split(' ')
    const why = whyOf(group, region, edge)
    if (region === '' || why === undefined) continue
    const before = counts.get(`${region} ${why}`)?.requests ?? 0
    counts.set(`${region} ${why}`, { region, why, requests: before + (data.gpc0 ?? 0) })
  }
  return [...counts.values()]
}

function whyOf(group: string, served: string, edge: Edge): Why | undefined {
  if (group === 'write' || group === 'hold' || group === 'cache') return group
  if (group !== '') return undefined
  if (served === edge.region) return 'local'
  return edge.full ? 'spill' : 'edge'
}

export type TrafficSample = {
  /** This line stands for so many requests. */
  weight: number
  /** Region that received. */
  edge: string
  /** Region that served; undefined when HAProxy answered itself (nobody healthy, refused). */
  served: string | undefined
  why: Why | undefined
  write: boolean
  status: number
  /** From the first byte of the request to the response's headers; undefined when there were none. */
  firstByteMs: number | undefined
  /** To the last byte of the response: for a stream as long as it went on. */
  totalMs: number
  cache: 'hit' | 'miss' | 'stale' | 'pass' | undefined
}

const label = '[a-z0-9-]{1,63}'
const number = '-?\\d{1,10}'
const line = new RegExp(
  `^${trafficLogVersion} (-|\\d{1,4}) (${label}) (-|${label}) (-|write|hold|cache) (${number}) (${number}) (${number}) (${number}) (${number}) (${number}) (-|hit|miss|stale|pass)$`,
)

/**
 * One datagram of the traffic log; undefined for anything that HAProxy would not send. Whoever can reach the agent's
 * port can send datagrams, so callers also check that `edge` and `served` are regions that they know.
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

import { varnishWorkFolder } from './layout.ts'

/**
 * Varnish's own counters, from `varnishstat`: varnish-counters(7). All but the gauges start at zero with Varnish's
 * worker, those of `MGT` with its manager, which restarts a worker that has crashed.
 */

/** Counters, each the sum of Varnish's. */
const totals = {
  /** Requests answered from memory. Health checks are not among them. */
  hits: ['MAIN.cache_hit'],
  /** Requests for what was not stored, or not fresh. */
  misses: ['MAIN.cache_miss', 'MAIN.cache_hitmiss'],
  /** Requests that went to the app as a pipe, because the response could not be stored or fetched. */
  pipes: ['MAIN.s_pipe'],
  fetches: ['MAIN.s_fetch'],
  /** Fetches that ended without a response: broken off, without room, in a form that Varnish does not support. */
  failedFetches: ['MAIN.fetch_failed'],
  /** Those of responses that begin with an interim response, such as 103 Early Hints. An app that sends them is well. */
  interimFetches: ['MAIN.fetch_1xx'],
  /** Fetches without a connection to HAProxy, or not tried because HAProxy reports that no region can serve. */
  originFailures: ['MAIN.backend_fail', 'MAIN.backend_unhealthy'],
  /** Objects removed to make room. */
  evictions: ['MAIN.n_lru_nuked'],
  /** Objects that found no room, even after evicting as many objects as allowed. */
  evictionLimits: ['MAIN.n_lru_limited'],
  transientFailures: ['SMA.Transient.c_fail'],
  /** Connections and requests dropped, because no thread was free for longer than the queue is. */
  dropped: ['MAIN.sess_dropped', 'MAIN.req_dropped'],
  /** Times that a thread was needed and the limit did not allow one. */
  threadLimits: ['MAIN.threads_limited'],
  /** Errors that Varnish answered or would have answered on its own account: out of workspace, failed rules. */
  ownErrors: ['MAIN.client_resp_500', 'MAIN.vcl_fail'],
  /** Requests that Varnish could not parse. */
  badRequests: ['MAIN.client_req_400', 'MAIN.client_req_417'],
  /**
   * Unexpected ends of the worker: with an error, or by a signal, whether its own (a panic), the kernel's (out of memory)
   * or its manager's. A core dump or a panic is counted by `child_died` as well. The next worker starts with an empty
   * cache.
   */
  crashes: ['MGT.child_stop', 'MGT.child_died'],
} as const

const gauges = {
  managerUptimeSeconds: ['MGT.uptime'],
  workerUptimeSeconds: ['MAIN.uptime'],
  usedBytes: ['SMA.s0.g_bytes'],
  limitBytes: ['SMA.s0.g_bytes', 'SMA.s0.g_space'],
  transientUsedBytes: ['SMA.Transient.g_bytes'],
  transientLimitBytes: ['SMA.Transient.g_bytes', 'SMA.Transient.g_space'],
  objects: ['MAIN.n_object'],
  threads: ['MAIN.threads'],
} as const

type CacheTotal = keyof typeof totals
export type CacheTotals = Record<CacheTotal, number>
export type CacheGauges = Record<keyof typeof gauges, number>
export type CacheCounters = { gauges: CacheGauges; totals: CacheTotals }

export const cacheTotals = Object.keys(totals) as CacheTotal[]

const names = [...new Set([...Object.values(totals), ...Object.values(gauges)].flat())]

/** Prints the counters once. Gives up after a second if Varnish does not run. */
export const countersCommand = [
  ...['/usr/bin/varnishstat', '-n', varnishWorkFolder, '-1', '-j', '-t', '1'],
  ...names.flatMap((name) => ['-I', name]),
]

/** Parses the output of `countersCommand`. Throws on anything else. */
export function parseCounters(text: string): CacheCounters {
  const values = valuesIn(text)
  const sumOf = (of: readonly string[]) => of.reduce((sum, name) => sum + numberAt(values, name), 0)
  const sums = <K extends string>(table: Record<K, readonly string[]>) =>
    Object.fromEntries(
      Object.entries<readonly string[]>(table).map(([key, of]) => [key, sumOf(of)]),
    ) as Record<K, number>
  return { gauges: sums(gauges), totals: sums(totals) }
}

function valuesIn(text: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new TypeError(
      `expected counters from varnishstat, got ${JSON.stringify(text.trim().slice(0, 120))}`,
    )
  }
  const { version, counters } = (parsed ?? {}) as { version?: unknown; counters?: unknown }
  if (version !== 1)
    throw new TypeError(`expected version 1 of varnishstat’s counters, got ${JSON.stringify(version)}`)
  if (typeof counters !== 'object' || counters === null)
    throw new TypeError('expected counters from varnishstat, got none')
  return counters as Record<string, unknown>
}

function numberAt(values: Record<string, unknown>, name: string): number {
  const { value } = (values[name] ?? {}) as { value?: unknown }
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new TypeError(`varnishstat: expected a number for ${name}, got ${JSON.stringify(value)}`)
  return value
}

/** What happened between two readings. A counter of a process that has restarted since then began at zero. */
export function increase(before: CacheCounters, now: CacheCounters): CacheTotals {
  const hasRestarted = (uptime: 'managerUptimeSeconds' | 'workerUptimeSeconds') =>
    now.gauges[uptime] < before.gauges[uptime]
  const manager = hasRestarted('managerUptimeSeconds')
  const worker = manager || hasRestarted('workerUptimeSeconds')
  return Object.fromEntries(
    cacheTotals.map((key) => {
      const restarted = key === 'crashes' ? manager : worker
      const from = restarted ? 0 : before.totals[key]
      return [key, Math.max(0, now.totals[key] - from)]
    }),
  ) as CacheTotals
}

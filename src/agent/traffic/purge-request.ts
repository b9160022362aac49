import type { PurgeScope } from '../../engines/varnish/purge.ts'
import { type Clock, pause, systemClock } from '../../lib/clock.ts'
import { NearsideError } from '../../lib/errors.ts'
import { list } from '../../lib/format.ts'
import type { PurgeRequest } from '../coordination/keys/purges.ts'
import type { CoordinationLoop } from '../coordination/loop.ts'
import type { Snapshot } from '../coordination/snapshot.ts'
import type { StateStore } from '../coordination/store.ts'

/** Purges that an operator asks for: the request's form, and its outcome in each region. */

export type PurgeOutcome =
  | { outcome: 'purged' }
  /** No agent of the region reports. It purges when it is back. */
  | { outcome: 'unreachable' }
  /** The agent keeps trying. */
  | { outcome: 'failed'; why: string }

export type PurgeResult = {
  /** Of the purge in the world's list. */
  number: number
  regions: Record<string, PurgeOutcome>
}

/** Varnish's limit for a URL is the header line's, 8 kB. */
const maxPathLength = 8192
/** Time for the agents to apply a purge. An unreachable region's report expires after 3 s. */
const waitMs = 10_000
const pollMs = 200

const invalid = (message: string, remedy?: string) =>
  new NearsideError('purge_invalid', message, remedy === undefined ? {} : { remedy })
const shown = (value: unknown) => (JSON.stringify(value) ?? 'nothing').slice(0, 80)

/** Checks a request from outside. `caching`: names of the regions that have caches. */
export function purgeRequest(
  body: Readonly<Record<string, unknown>>,
  caching: readonly string[],
): PurgeRequest {
  const { regions } = body
  const scope = scopeOf(body)
  if (regions === undefined) return { scope }
  if (!Array.isArray(regions) || regions.length === 0)
    throw invalid(`regions: expected a list of regions, got ${shown(regions)}`)
  for (const region of regions)
    if (!caching.includes(region as string))
      throw invalid(`regions: expected regions with caches (${list(caching)}), got ${shown(region)}`)
  return { scope, regions: [...new Set(regions as string[])] }
}

function scopeOf({ scope, path, host }: Readonly<Record<string, unknown>>): PurgeScope {
  if (scope !== 'pages' && scope !== 'all' && scope !== 'path')
    throw invalid(`scope: expected "pages", "all" or "path", got ${shown(scope)}`)
  if (scope !== 'path') {
    for (const [name, value] of Object.entries({ path, host }))
      if (value !== undefined) throw invalid(`${name}: expected nothing with the scope "${scope}"`)
    return { kind: scope }
  }
  const problem = pathProblem(path)
  if (problem) throw invalid(`path: ${problem.message}, got ${shown(path)}`, problem.remedy)
  const resolved = withoutDotSegments(path as string)
  if (host === undefined) return { kind: 'path', path: resolved }
  if (typeof host !== 'string' || !/^[A-Za-z0-9._-]{1,253}$/.test(host))
    throw invalid(`host: expected a host name without a port, got ${shown(host)}`)
  return { kind: 'path', path: resolved, host }
}

/**
 * The path that a browser sends for it (WHATWG URL, “path state”): `/a/../b` is `/b`. The edge caches nothing under the
 * other spellings.
 */
function withoutDotSegments(path: string): string {
  const [asked = '', ...query] = path.split('?')
  const segments = asked.slice(1).split('/')
  const kept: string[] = []
  for (const [n, segment] of segments.entries()) {
    const dots = segment.replaceAll(/%2e/gi, '.')
    if (dots === '..') kept.pop()
    else if (dots !== '.') kept.push(segment)
    if (n === segments.length - 1 && (dots === '.' || dots === '..')) kept.push('')
  }
  return [`/${kept.join('/')}`, ...query].join('?')
}

/** What is wrong with a path; undefined when nothing is. */
function pathProblem(path: unknown): { message: string; remedy?: string } | undefined {
  if (typeof path !== 'string' || !path.startsWith('/'))
    return { message: 'expected a path that begins with /', remedy: 'write a path such as "/products/*"' }
  if (path.length > maxPathLength) return { message: `expected at most ${maxPathLength} characters` }
  if (/[^\x21-\x7e]/.test(path))
    return { message: 'expected a path as a browser sends it', remedy: 'percent-encode other characters' }
  if (path.includes('#'))
    return { message: 'expected a path without #, which browsers never send', remedy: 'remove it' }
  if (path.slice(0, -1).includes('*'))
    return { message: 'expected * only at the end', remedy: 'for the character itself, write %2A' }
  return undefined
}

type Asked = {
  store: Pick<StateStore, 'purges' | 'record'>
  coordination: Pick<CoordinationLoop, 'snapshot' | 'trigger'>
  /** Names of the regions that have caches. */
  caching: readonly string[]
  clock?: Clock
}

/** Adds the purge to the list, and waits until it has an outcome in each of its regions. */
export async function purge(request: PurgeRequest, asked: Asked): Promise<PurgeResult> {
  const { store, coordination, caching, clock = systemClock } = asked
  const regions = request.regions ?? caching
  const { number } = await store.purges.add(request)
  await store.record('purge', { number, ...request }).catch(() => undefined)
  coordination.trigger()
  const deadline = clock.now() + waitMs
  for (;;) {
    const { reports = {} } = coordination.snapshot ?? {}
    const outcomes = Object.fromEntries(regions.map((name) => [name, outcomeOf(number, reports[name])]))
    const isDone = Object.values(outcomes).every(({ outcome }) => outcome !== 'failed')
    if (isDone || clock.now() > deadline) return { number, regions: outcomes }
    await pause(clock, pollMs)
    coordination.trigger()
  }
}

function outcomeOf(number: number, report: Snapshot['reports'][string] | undefined): PurgeOutcome {
  if (report === undefined) return { outcome: 'unreachable' }
  const { applied = 0, failing } = report.purges ?? {}
  if (applied >= number) return { outcome: 'purged' }
  return { outcome: 'failed', why: failing?.why ?? `its agent has not done it within ${waitMs / 1000} s` }
}

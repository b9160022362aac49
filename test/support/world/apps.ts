import { join } from 'node:path'
import { neverSent } from '../../../src/engines/haproxy/layout.ts'
import { clockMs, type Outcome, type Place } from '../../../src/lab/history.ts'
import type { TopologyInput } from '../../../src/topology/schema.ts'
import { type Answer, ask } from './http.ts'

/** Facts about a write from its answer, as in a recorded history, but with `commitSentMs` by `performance.now()`. */
export type Told = { outcome: Outcome; place?: Place; commitSentMs?: number }

/** An app that a world can run, and the requests that the load sends to it. */
export type TestApp = {
  name: string
  topology: TopologyInput['app']
  /** The n-th write of a load. `reference` is unique. */
  write(n: number, reference: string): { path: string; headers: Record<string, string>; body: string }
  outcomeOf(answer: Answer): Told
  /** The path of the load's n-th read. */
  read(n: number): string
  /** The number of occurrences of each reference of this test, requested from one region's edge. */
  entries(edge: Edge, source: 'primary' | 'replica', prefix: string): Promise<Map<string, number>>
}

export type Edge = { region: string; host: string; port: number }

/** The shop's seed contains orders, all older than this. */
const beforeAnyLoad = new Date(Date.now() - 60_000).toISOString()

/** A region's app does not start while this file exists in its folder. */
export const brokenMark = 'data/app-is-broken'
const breakable = [
  'sh',
  '-c',
  `if test -e "$NEARSIDE_FOLDER/${brokenMark}"; then exit 3; fi; exec "$0" server.ts`,
  process.execPath,
]

/** Offset of the apps' clock to `performance.now()`. An overestimate is safe: it causes no false violation. */
const aheadMs = -performance.now() + clockMs()

const json = { accept: 'application/json', 'content-type': 'application/json' }

/** Never retries, keeps duplicates, and reports the server, timeline and time of each commit. */
export const ledger: TestApp = {
  name: 'ledger',
  topology: {
    folder: join(import.meta.dirname, '../ledger'),
    command: breakable,
    release: [process.execPath, 'release.ts'],
    instances: 1,
  },
  write: (_, reference) => ({ path: `/entries?reference=${reference}`, headers: {}, body: '' }),
  outcomeOf(answer) {
    const { outcome, place, commitSentMs } = parse(answer.body) as Partial<Told>
    return {
      outcome: outcome ?? neverArrived(answer) ?? 'unknown',
      ...(place ? { place } : {}),
      ...(commitSentMs === undefined ? {} : { commitSentMs: commitSentMs - aheadMs }),
    }
  },
  read: () => '/',
  async entries(edge, source, prefix) {
    const { body } = await askHere(edge, `/entries?source=${source}`, source)
    const told = JSON.parse(body) as { server: string; entries: [string, number][] }
    if (source === 'replica' && told.server !== edge.host)
      throw new Error(`${edge.region}: its app was answered by the database at ${told.server}`)
    return new Map(told.entries.filter(([reference]) => reference.startsWith(prefix)))
  },
}

/** The example app as users see it: it retries where that is safe, and a reference never creates two orders. */
export const shop: TestApp = {
  name: 'shop',
  topology: {
    folder: join(import.meta.dirname, '../../../examples/shop'),
    command: breakable,
    release: [process.execPath, 'seed.ts'],
    instances: 2,
    static: ['/assets/*'],
  },
  write: (n, reference) => ({
    path: '/orders',
    headers: json,
    body: JSON.stringify({ reference, lines: [{ productId: 1 + (n % 2000), quantity: 1 + (n % 9) }] }),
  }),
  outcomeOf(answer) {
    if (answer.status === 201 || answer.status === 200) return { outcome: 'ok' }
    const code = (parse(answer.body) as { error?: { code?: string } }).error?.code
    // The shop reports "nothing was changed", which the checker verifies.
    if (code === 'unavailable') return { outcome: 'fail' }
    return { outcome: neverArrived(answer) ?? 'unknown' }
  },
  read: (n) => ['/', `/products/${1 + (n % 2000)}`, '/assets/shop.css'][n % 3]!,
  async entries(edge, source, prefix) {
    const found = new Map<string, number>()
    const since = new URLSearchParams({ since: beforeAnyLoad, source })
    let next: string | null = `/api/orders?${since}`
    while (next) {
      const { body } = await askHere(edge, next, source)
      const page = JSON.parse(body) as { orders: { reference: string }[]; next: string | null }
      for (const { reference } of page.orders)
        if (reference.startsWith(prefix)) found.set(reference, (found.get(reference) ?? 0) + 1)
      next = page.next && `${page.next}&source=${source}`
    }
    return found
  },
}

/** HAProxy's answer for a held write that it gave up: the write never left the edge. */
function neverArrived(answer: Answer): Outcome | undefined {
  const { status, body } = answer
  return status === 503 && Object.values<string>(neverSent).includes(body.trim()) ? 'fail' : undefined
}

async function askHere(edge: Edge, path: string, source: string): Promise<Answer> {
  const answer = await ask({
    host: edge.host,
    port: edge.port,
    path,
    headers: { accept: json.accept },
    timeoutMs: 20_000,
  })
  if (answer.status !== 200) throw new Error(`${edge.region}${path}: ${answer.status} ${answer.body}`)
  // An answer for a replica counts only from its own region; a rerouted read proves nothing about it.
  const served = answer.headers['nearside-region']
  if (source === 'replica' && served !== edge.region)
    throw new Error(`${edge.region}${path}: answered by ${served}`)
  return answer
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) ?? {}
  } catch {
    return {}
  }
}

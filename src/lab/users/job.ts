import { ask, type Server } from '../../engines/knot/ask.ts'
import type { Location } from '../../geo/distance.ts'
import { parsePrefix } from '../../geo/prefix.ts'
import { clockMs } from '../history.ts'
import type { UserRequest } from './client/browser.ts'
import { generate, type Home } from './generate.ts'
import { leadMsOf } from './plan/arrivals.ts'
import type { Mix } from './plan/mix.ts'
import { pick } from './plan/random.ts'
import type { Asked, UsersResult } from './result.ts'
import { summarise } from './summarise.ts'

/** Everything that a run needs to know, as plain data: it can be carried out by a process of its own. */
export type UsersJob = {
  world: string
  asked: Asked
  mix: Mix
  domain: string
  httpPort: number
  slo: { latencyMs: number; share: number }
  /** Those that take users. */
  regions: { name: string; address: string; location: Location }[]
  /** All name servers; places refer to them by index. */
  servers: Server[]
  places: JobPlace[]
  /** Are there distances between the places and the regions? */
  distances: boolean
  /** Begins users' names and orders' references; unique to this run in its world. */
  prefix: string
  patienceMs: number
}

type JobPlace = {
  name: string
  area: string
  location: Location
  weight: number
  /** `10.128.7`: its users have the addresses from .1 to .254. Undefined: the routing table's choice. */
  network: string | undefined
  /** Public networks of people there, one of which each user's resolver tells: `9.9.9.0/24`. */
  subnets: string[]
  servers: number[]
}

export type Progress = { atMs: number; requests: number; failed: number; p50: number; p95: number }

type RunOptions = {
  signal: AbortSignal
  onRequest?: ((request: UserRequest) => void) | undefined
  /** Once a second: what was answered in that second. Before 0 it is the lead-in, which counts nowhere. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** As resolvers do it: a second for each server, and once more within it should a packet be lost. */
const dnsTimeoutMs = 1000
const dnsResendMs = 500

/** Carries a job out in this process, from the network that this process is in. Never rejects for what users meet. */
export async function runJob(
  job: UsersJob,
  { signal, onRequest, onProgress }: RunOptions,
): Promise<UsersResult> {
  const { world, asked, mix, domain, httpPort, regions, servers, places, slo, distances, prefix } = job
  const homes = places.map((place): Home<Server> => {
    const subnets = place.subnets.flatMap((text) => parsePrefix(text) ?? [])
    return {
      weight: place.weight,
      servers: place.servers.map((index) => servers[index]!),
      fromOf: (user) => place.network && `${place.network}.${1 + (user % 254)}`,
      subnetOf: (random) => (subnets.length === 0 ? undefined : pick(random, subnets)),
    }
  })
  const leadMs = leadMsOf(mix)
  const startedMs = clockMs() + leadMs
  const startedAt = new Date(Date.now() + leadMs).toISOString()
  let second: { latencies: number[]; failed: number } = { latencies: [], failed: 0 }
  const report = () => {
    const sorted = second.latencies.sort((a, b) => a - b)
    const at = (q: number) => sorted[Math.floor(q * sorted.length)] ?? 0
    const { length } = sorted
    onProgress?.({
      atMs: clockMs() - startedMs,
      requests: length + second.failed,
      failed: second.failed,
      p50: at(0.5),
      p95: at(0.95),
    })
    second = { latencies: [], failed: 0 }
  }
  const ticking = onProgress ? setInterval(report, 1000) : undefined
  const generated = await generate<Server>({
    homes,
    mix,
    site: { domain, port: httpPort, regionAt: new Map(regions.map(({ name, address }) => [address, name])) },
    ratePerSecond: asked.ratePerSecond,
    forMs: asked.forMs,
    seed: asked.seed,
    prefix,
    patienceMs: job.patienceMs,
    askServer: (from) => (server, question) =>
      ask(server, question, { timeoutMs: dnsTimeoutMs, resendMs: dnsResendMs, ...(from ? { from } : {}) }),
    signal,
    onRequest: (request) => {
      if (ticking && request.error) second.failed += 1
      else if (ticking) second.latencies.push(request.latencyMs)
      onRequest?.(request)
    },
  })
  clearInterval(ticking)
  const { samples, users, ranMs, stopped, unanswered, effort } = generated
  const summary = summarise({ samples, places, regions, slo, ranMs })
  return { world, asked, startedAt, startedMs, stopped, unanswered, distances, users, effort, ...summary }
}

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

/** Everything that a run needs, as plain data, so that a separate process can run it. */
export type UsersJob = {
  world: string
  asked: Asked
  mix: Mix
  domain: string
  httpPort: number
  slo: { latencyMs: number; share: number }
  /** Regions that serve users. */
  regions: { name: string; address: string; location: Location }[]
  /** All name servers; places refer to them by index. */
  servers: Server[]
  places: JobPlace[]
  /** Whether there is network latency between places and regions. */
  distances: boolean
  /** Prefix of user names and order references; unique to this run in its world. */
  prefix: string
  answerTimeoutMs: number
}

type JobPlace = {
  name: string
  area: string
  location: Location
  weight: number
  /** `10.128.7`: its users have the addresses .1 to .254. Undefined leaves it to the routing table. */
  network: string | undefined
  /** Public networks of that place, one of which each user's resolver sends as client subnet: `9.9.9.0/24`. */
  subnets: string[]
  servers: number[]
}

export type Progress = { atMs: number; requests: number; failed: number; p50: number; p95: number }

type RunOptions = {
  signal: AbortSignal
  onRequest?: ((request: UserRequest) => void) | undefined
  /** Called once a second with that second's answers. Negative times are the lead-in, which is not counted. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** Like real resolvers: a second per server, with one retransmission in case a packet was lost. */
const dnsTimeoutMs = 1000
const dnsResendMs = 500

/** Runs a job in this process and its network. Never rejects because of errors that users get. */
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
    answerTimeoutMs: job.answerTimeoutMs,
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

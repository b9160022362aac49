import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { formatPrefix } from '../../geo/prefix.ts'
import { userRttMs } from '../../geo/rtt.ts'
import { NearsideError } from '../../lib/errors.ts'
import { modulePath } from '../../lib/program.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { readRecords } from '../faults/record.ts'
import { lineOf } from '../links.ts'
import { cityNetwork } from '../network/addresses.ts'
import type { Link, Shaper } from '../wan/index.ts'
import type { ChildInput, ChildOutput } from './child.ts'
import type { UserRequest } from './client/browser.ts'
import type { Progress, UsersJob } from './job.ts'
import { loadPrefixIndex } from './plan/load-prefixes.ts'
import type { Mix } from './plan/mix.ts'
import { drawPlaces, type UserPlace } from './plan/places.ts'
import { type PrefixIndex, prefixesNear } from './plan/prefixes.ts'
import { seeded } from './plan/random.ts'
import type { UsersResult } from './result.ts'

/** The parts of a lab that a run needs: users are in its *internet*, with latency. Without a lab, they have none. */
type UsersLab = { wan(): Promise<Shaper>; inside(place: string): readonly string[] }

type UsersOptions = {
  world: WorldHandle
  lab?: UsersLab | undefined
  ratePerSecond: number
  mix: Mix
  /** All places from `--places`; a run draws its own from them. */
  places: readonly UserPlace[]
  /** Shown in the report. */
  placesText: string
  /** Infinity: until the signal aborts. */
  forMs: number
  seed: number
  /** How long a user waits for an answer. Default: how long a write may be held, plus 15 s. */
  answerTimeoutMs?: number
  /** Stops the run; requests in flight stay unanswered, and the result covers the answered ones. */
  signal?: AbortSignal
  /** Called when links are set and users start to arrive. */
  onStart?: (job: UsersJob) => void
  onRequest?: ((request: UserRequest) => void) | undefined
  onProgress?: ((progress: Progress) => void) | undefined
}

/** Client subnets per place. */
const subnetsPerPlace = 16

/**
 * Simulates users of a world and reports the latency and errors they saw. In a lab they connect from *internet*, each
 * from its city's network, after the shaper has got the cities' latencies; elsewhere from this machine. The generator
 * is a separate process. Rejects if it cannot be started; errors that users see are in the result.
 */
export async function runUsers(options: UsersOptions): Promise<UsersResult> {
  const { world, lab } = options
  const { topology, topologyFile } = world.record
  const index = await loadPrefixIndex(topology.steering.geoip, dirname(topologyFile))
  const job = usersJob(options, index)
  if (lab) await setDistances(lab, job, world.folder)
  options.onStart?.(job)
  return inChild(job, options, lab?.inside('internet') ?? [])
}

/** A run as plain data. Pure, except for the random part of its name. */
function usersJob(options: UsersOptions, index: PrefixIndex | undefined): UsersJob {
  const { world, lab, ratePerSecond, mix, placesText, forMs, seed } = options
  const { topology } = world.record
  const regions = world.regions.filter((region) => region.serves)
  const places = drawPlaces(options.places, seed)
  const near =
    index &&
    prefixesNear(
      index,
      places.map(({ location }) => location),
    )
  const random = seeded(seed, 'subnets')
  return {
    world: world.name,
    asked: { ratePerSecond, mix: mix.name, places: placesText, forMs, seed },
    mix,
    domain: topology.domain,
    httpPort: topology.ports.http,
    slo: topology.slo,
    regions: regions.map(({ name, address, location }) => ({ name, address, location })),
    servers: regions.map(({ address }) => ({ address, port: topology.ports.dns })),
    places: places.map(({ name, area, location, weight, city }, i) => {
      const draw = near?.[i]
      return {
        name,
        area,
        location,
        weight,
        network: lab && cityNetwork(city).replace(/\.0\/24$/, ''),
        subnets: draw ? Array.from({ length: subnetsPerPlace }, () => formatPrefix(draw(random))) : [],
        servers: regions
          .map((region, server) => ({ server, ms: userRttMs(location, region.location) }))
          .sort((a, b) => a.ms - b.ms)
          .map(({ server }) => server),
      }
    }),
    distances: lab !== undefined,
    prefix: `u${seed}-${randomBytes(4).toString('hex')}`,
    answerTimeoutMs: options.answerTimeoutMs ?? (topology.database.holdSeconds + 15) * 1000,
  }
}

/**
 * Sets the latency between the users' places of this run and each region. An existing link keeps everything but its
 * delay, so a region that is cut off stays cut off. A link with an active fault keeps its delay, too; otherwise the
 * fault would have no effect.
 */
async function setDistances(lab: UsersLab, job: UsersJob, worldFolder: string): Promise<void> {
  const places = job.places.map((place) => {
    const network = place.network!
    const [, high = 0, low = 0] = network.split('.').map(Number)
    return { ...place, id: `city:${(high - 128) * 256 + low}`, prefix: `${network}.0/24` }
  })
  const shaper = await lab.wan()
  try {
    await shaper.places(places.map(({ id, prefix }) => ({ place: id, prefix })))
    const now = new Map((await shaper.params()).map((link) => [nameOf(link), link.params]))
    const faulty = new Set(
      readRecords(worldFolder).flatMap(({ linksBefore = [] }) => linksBefore.map((link) => nameOf(link))),
    )
    const links = places.flatMap(({ id, location }) =>
      job.regions.flatMap((region): Link[] => {
        const line = lineOf(userRttMs(location, region.location) / 2)
        const ways = [
          { from: id, to: region.name },
          { from: region.name, to: id },
        ]
        return ways
          .filter((way) => !(faulty.has(nameOf(way)) && now.has(nameOf(way))))
          .map((way) => ({
            ...way,
            params: { ...line, ...now.get(nameOf(way)), delayMs: line.delayMs },
          }))
      }),
    )
    await shaper.set(links)
  } finally {
    shaper.close()
  }
}

const nameOf = ({ from, to }: Pick<Link, 'from' | 'to'>) => `${from} ${to}`

function inChild(job: UsersJob, options: UsersOptions, prefix: readonly string[]): Promise<UsersResult> {
  const { signal, onRequest, onProgress } = options
  const program = modulePath('./child', import.meta.url)
  const [file, ...args] = [...prefix, ...(prefix.length > 0 ? ['--'] : []), process.execPath, program]
  // A session of its own: Ctrl-C in the terminal reaches only us, and we then end its input. It would kill a child that
  // is still loading.
  const child = spawn(file!, args, { detached: true, stdio: ['pipe', 'pipe', 'pipe'] })
  let [said, result]: [string, UsersResult | undefined] = ['', undefined]
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4000)
  })
  child.stdin.on('error', () => undefined)
  child.stdin.write(
    `${JSON.stringify({ job: withoutInfinity(job), wantsRequests: onRequest !== undefined } satisfies ChildInput)}\n`,
  )
  const stop = () => child.stdin.end()
  if (signal?.aborted) stop()
  signal?.addEventListener('abort', stop, { once: true })
  createInterface({ input: child.stdout }).on('line', (line) => {
    const output = JSON.parse(line) as ChildOutput
    if ('progress' in output) onProgress?.(output.progress)
    else if ('result' in output) result = output.result
    else for (const request of output.requests) onRequest?.(request)
  })
  return new Promise((resolve, reject) => {
    const failed = (what: string, cause?: unknown) =>
      reject(
        new NearsideError('users_failed', `the load generator ${what}`, {
          remedy: said.trim().split('\n').at(-1) ?? '',
          cause,
        }),
      )
    child.on('error', (error) => failed('could not be started', error))
    child.on('close', (code, by) => {
      signal?.removeEventListener('abort', stop)
      if (result) resolve(withInfinity(result, options.forMs))
      else failed(`exited without a result (${by ?? `exit ${code}`})`)
    })
  })
}

/** JSON has no Infinity: this stands for it. */
const endless = Number.MAX_SAFE_INTEGER
const withoutInfinity = (job: UsersJob): UsersJob => ({
  ...job,
  asked: { ...job.asked, forMs: Math.min(job.asked.forMs, endless) },
})
const withInfinity = (result: UsersResult, forMs: number): UsersResult => ({
  ...result,
  asked: { ...result.asked, forMs },
})

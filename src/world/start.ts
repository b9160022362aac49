import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { RegionStatus } from '../agent/http/status.ts'
import { describeRelease, isFailed } from '../agent/release/state.ts'
import { logStart } from '../agent/supervision/log-start.ts'
import { ownPaths } from '../engines/haproxy/layout.ts'
import { settledDurability } from '../failover/durability.ts'
import { freshMs } from '../failover/fresh.ts'
import { NearsideError } from '../lib/errors.ts'
import { duration } from '../lib/format.ts'
import { httpStatus } from '../lib/http.ts'
import type { Region } from '../topology/regions.ts'
import { lastWords, type StartedAgent } from './agents.ts'
import { typed } from './find.ts'
import { regionStatus, type WorldHandle } from './handle.ts'
import { isHere } from './here.ts'
import { hint } from './hint.ts'
import { redactor, renderLine } from './logs/render.ts'
import { tailOf } from './logs/tail.ts'
import { isMissing, type Majority, majorityWords } from './majority.ts'
import { majorityNow } from './majority-now.ts'
import { brokenWords, describeTrouble, isBroken } from './process-words.ts'

/** One sample of a region that is starting. */
export type Sample = {
  region: Region
  status?: RegionStatus
  edge?: boolean
  /** Set while too few voting regions run for etcd. */
  majority?: Majority
}

type Waiting = {
  /** Agents started by this command. */
  agents: ReadonlyMap<string, StartedAgent>
  /** A further condition that must hold once every region serves. */
  enough?: (samples: readonly Sample[]) => boolean
  onSample: (samples: readonly Sample[]) => void
  /** Called once for each process that keeps failing: an agent retries for minutes before it gives up. */
  onTrouble?: (message: string) => void
  signal?: AbortSignal
}

const troubleAfter = 3

const sampleEveryMs = 200
/** An already running agent that does not answer for this long counts as failed. */
const unresponsiveMs = 10_000
/** Regions start within seconds of each other on one machine; operators start several hosts within minutes. */
const majorityWithinMs = { here: 15_000, away: 300_000 }
/** Without any progress for this long, waiting is pointless. A base backup and a release may take longer. */
const stalledMs = 300_000

/**
 * Resolves when every one of these regions serves: all processes are ready, the edge answers users, and `enough` holds.
 * Rejects with the cause and the end of the relevant log when an agent exits, a release fails, or a process is given
 * up or refuses its new files.
 */
export async function untilServing(
  world: WorldHandle,
  regions: readonly Region[],
  { agents, enough = () => true, onSample, onTrouble, signal }: Waiting,
): Promise<void> {
  const told = new Set<string>()
  const limits = new Limits(world)
  const answeredAt = new Map(regions.map((region) => [region.name, performance.now()]))
  for (;;) {
    signal?.throwIfAborted()
    const samples = await Promise.all(regions.map((region) => sampleOf(world, region)))
    for (const { region, status } of samples) {
      if (status) answeredAt.set(region.name, performance.now())
      else
        await agentMustLive(
          world,
          region,
          agents.get(region.name),
          performance.now() - answeredAt.get(region.name)!,
        )
    }
    const shown = await limits.withMajority(samples)
    onSample(shown)
    await nothingFailed(world, samples)
    if (onTrouble) await tellTrouble(world, samples, told, onTrouble)
    if (samples.every(serves) && enough(samples)) return
    limits.check(shown, performance.now())
    await sleep(sampleEveryMs, undefined, { signal })
  }
}

/** Ends a wait for something that will not come. */
class Limits {
  readonly #world: WorldHandle
  #withoutSince: number | undefined
  #progress = ''
  #progressAt = performance.now()

  constructor(world: WorldHandle) {
    this.#world = world
  }

  /** Looks for processes of other regions only while etcd does not work here. */
  async withMajority(samples: readonly Sample[]): Promise<readonly Sample[]> {
    if (!samples.some(({ status }) => status && lacksEtcd(status))) return samples
    const majority = await majorityNow(this.#world)
    return isMissing(majority) ? samples.map((sample) => ({ ...sample, majority })) : samples
  }

  check(samples: readonly Sample[], now: number): void {
    const majority = samples.find((sample) => sample.majority)?.majority
    this.#withoutSince = majority ? (this.#withoutSince ?? now) : undefined
    const here = this.#world.regions.every((region) => isHere(this.#world, region))
    const limit = majorityWithinMs[here ? 'here' : 'away']
    if (majority && now - this.#withoutSince! >= limit) throw withoutMajority(this.#world, majority)
    const progress = JSON.stringify(samples.map(progressOf))
    if (progress !== this.#progress || samples.some(isCopying)) {
      this.#progress = progress
      this.#progressAt = now
    }
    if (now - this.#progressAt >= stalledMs) throw stalled(this.#world, samples)
  }
}

const lacksEtcd = ({ etcd, processes }: RegionStatus) =>
  etcd.error !== undefined || processes.some((one) => one.engine === 'etcd' && one.state !== 'ready')

const isCopying = ({ status }: Sample) =>
  status?.database?.state === 'creating replica' || status?.world?.release?.kind === 'running'

const progressOf = ({ region, status, edge }: Sample) => [
  edge,
  // Catching up after a long absence takes as long as it takes.
  status?.world?.lag[region.name]?.lagBytes,
  status?.database?.state,
  status?.steering?.percent,
  status?.processes.map(({ name, state }) => [name, state === 'ready']),
]

function withoutMajority(world: WorldHandle, majority: Majority): NearsideError {
  return new NearsideError('no_majority', majorityWords(majority), {
    remedy: `start all regions with \`${hint(world, 'up --detach')}\``,
  })
}

function stalled(world: WorldHandle, samples: readonly Sample[]): NearsideError {
  const details = samples
    .filter((sample) => !serves(sample))
    .flatMap(({ region, status }) =>
      (status?.processes ?? [])
        .filter((one) => one.state !== 'ready')
        .map((one) => `${region.name}/${one.name} ${describeTrouble(one)}`),
    )
  return new NearsideError('start_stalled', `no progress for ${duration(stalledMs / 1000)}`, {
    remedy: `see \`${hint(world, 'status --verbose')}\``,
    details,
  })
}

async function sampleOf(world: WorldHandle, region: Region): Promise<Sample> {
  const status = await regionStatus(world, region, 2000)
  if (!status?.ready || !region.serves) return { region, ...(status ? { status } : {}) }
  const edge = await httpStatus({
    host: region.address,
    port: world.record.topology.ports.health,
    path: ownPaths.serving,
    timeoutMs: 1000,
  })
  return { region, status, edge: edge === 200 }
}

const serves = ({ region, status, edge }: Sample) =>
  status?.ready === true && (!region.serves || edge === true)

/** Whether the region's database is the primary or streams from it. */
export const follows = ({ region, status }: Sample): boolean =>
  !region.full || status?.database?.role === 'primary' || status?.world?.lag[region.name]?.streaming === true

/** Whether the requested durability is in force, or the world cannot have it. */
export function durable(world: WorldHandle, samples: readonly Sample[]): boolean {
  const fullRegions = world.regions.filter((region) => region.full).length
  if (settledDurability(world.record.topology.database.durability, fullRegions) !== 'region') return true
  return samples.some(
    ({ status }) => status?.world && status.world.ageMs < freshMs && status.world.durability === 'region',
  )
}

async function agentMustLive(
  world: WorldHandle,
  region: Region,
  agent: StartedAgent | undefined,
  silentForMs: number,
): Promise<void> {
  const end = agent?.ended()
  if (end?.code === 0)
    throw new NearsideError('world_stopped', `${region.name}: another command stopped it in the meantime`, {
      remedy: `run \`${typed(world, 'nearside up')}\``,
    })
  if (!end && silentForMs < unresponsiveMs) return
  const { why, tail } = await lastWords(world, region)
  const how = end ? `its agent exited (${end.signal ?? `exit ${end.code}`})` : 'its agent stopped answering'
  throw new NearsideError('agent_died', `${region.name}: ${how}${why ? `: ${why}` : ''}\n${tail}`, {
    remedy: `see \`nearside logs ${region.name} agent\``,
  })
}

async function nothingFailed(world: WorldHandle, samples: readonly Sample[]): Promise<void> {
  for (const { region, status } of samples) {
    const release = status?.world?.release
    // It ran in the region of the primary at that time.
    if (isFailed(release))
      throw new NearsideError(
        'release_failed',
        `app.release ${describeRelease(release)}${await logTail(world, release.region, 'release')}`,
        {
          remedy: `fix it and run \`${typed(world, 'nearside up')}\` again to retry (see \`nearside logs ${release.region} release\`)`,
        },
      )
    const outdated = status?.processes.find((one) => one.state === 'outdated')
    if (outdated)
      throw new NearsideError(
        'reload_refused',
        `${region.name}/${outdated.name} serves with its old files: ${outdated.why}`,
        {
          remedy: `revert the topology, or fix the cause and run \`${typed(world, `nearside restart ${region.name} agent`)}\``,
        },
      )
    const broken = status?.processes.find(isBroken)
    if (broken)
      throw new NearsideError(
        'process_gave_up',
        `${region.name}/${broken.name} ${brokenWords(broken)}${await logTail(world, region.name, broken.name)}`,
        {
          remedy: `fix it and run \`${typed(world, 'nearside up')}\` again to retry (see \`nearside logs ${region.name} ${broken.name}\`)`,
        },
      )
  }
}

async function tellTrouble(
  world: WorldHandle,
  samples: readonly Sample[],
  told: Set<string>,
  onTrouble: (message: string) => void,
): Promise<void> {
  for (const { region, status } of samples)
    for (const { name, state, failures = 0, why } of status?.processes ?? []) {
      const where = `${region.name}/${name}`
      // During a pause: after the next start, the log would be that of a run that has not failed yet.
      if (state !== 'backoff' || failures < troubleAfter || told.has(where)) continue
      told.add(where)
      onTrouble(`${where} keeps failing${why ? ` (${why})` : ''}${await logTail(world, region.name, name)}`)
    }
}

/** The end of the log of a process's last run, to follow a message about it. */
export async function logTail(world: WorldHandle, region: string, name: string): Promise<string> {
  const redact = redactor(Object.values(world.secrets))
  const folder = world.regionFolder(region)
  const lines = await tailOf(join(folder, 'log', `${name}.log`), 10, logStart(folder, name))
  if (lines.length === 0) return '; it wrote nothing to its log'
  return `; its log ends with:${lines.map((line) => `\n  ${redact(renderLine(line))}`).join('')}`
}

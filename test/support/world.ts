import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RegionStatus } from '../../src/agent/http/status.ts'
import { type WorldRecord, worldFolderFor } from '../../src/agent/layout.ts'
import { contextOf } from '../../src/compile.ts'
import type { RegionContext } from '../../src/engines/context.ts'
import { defaultPolicy } from '../../src/failover/verdict.ts'
import type { Violation } from '../../src/lab/checker/index.ts'
import type { Source } from '../../src/lab/history.ts'
import { viewsWhenEqual } from '../../src/lab/workloads/until-equal.ts'
import { messageOf } from '../../src/lib/errors.ts'
import { Etcd } from '../../src/lib/etcd.ts'
import { identify, signal } from '../../src/lib/proc.ts'
import type { TopologyInput } from '../../src/topology/schema.ts'
import type { Secrets } from '../../src/topology/secrets.ts'
import { brokenMark, type Edge, type TestApp } from './world/apps.ts'
import { linesOf, viewOf, violationsIn } from './world/check.ts'
import type { Fault } from './world/history.ts'
import { ask } from './world/http.ts'
import { Load } from './world/load.ts'
import { takeNetwork } from './world/network.ts'
import {
  agentsOf,
  childrenOf,
  commandName,
  isGone,
  killAll,
  parentOf,
  pauseAll,
  processesOfRegion,
  processesOfWorld,
  regionPath,
  worldMark,
} from './world/processes.ts'
import { takeWorldLock } from './world/world-lock.ts'

const program = join(import.meta.dirname, '../../src/cli/main.ts')
const reaper = join(import.meta.dirname, 'world/reaper.ts')

/** Two full regions and a witness, as in the example. */
export const twoRegionsAndWitness: TopologyInput['regions'] = {
  'us-east': { location: { lat: 39.04, lon: -77.49 } },
  'us-west': { location: { lat: 45.84, lon: -119.7 } },
  'us-central': { location: { lat: 41.26, lon: -95.86 }, role: 'witness' },
}

export type WorldOptions = {
  app: TestApp
  regions?: TopologyInput['regions']
  /** Besides name, domain, network, regions and app. */
  topology?: Partial<Omit<TopologyInput, 'app'>> & { app?: Partial<TopologyInput['app']> }
  /** The network of the regions. Default: a separate range of this machine's loopback addresses. */
  place?: Place
}

/** A network with the addresses of the regions, and a way to run programs inside a region. */
export type Place = {
  base: string
  /** Command prefix that runs a command inside this region. */
  inside: (region: string) => string[]
  /** Command that removes the network after this process has ended. */
  removal: string[]
  remove: () => Promise<void> | void
  /** Set for a lab, with this process in its router: the folder for the topology, and the suffix of the app's name. */
  lab?: { temporary: string; suffix: string }
}

export type Role = 'primary' | 'replica' | 'witness'

/** A process to kill with SIGKILL. */
export type Victim =
  | { process: 'agent' | 'postmaster' | 'haproxy worker' | 'varnish worker' }
  /** By name in the plan: `etcd`, `haproxy`, `postgres` (which is Patroni), `app-0`, … */
  | { process: 'planned'; name: string }
  /** The sandbox process, parent of an engine. */
  | { process: 'monitor'; of: string }

export const nameOf = (victim: Victim): string =>
  victim.process === 'planned'
    ? victim.name
    : victim.process === 'monitor'
      ? `monitor of ${victim.of}`
      : victim.process

/** Starts a world in a temporary folder. It is removed when `close` returns or this process ends. */
export async function startWorld(options: WorldOptions): Promise<TestWorld> {
  const world = await TestWorld.make(options)
  try {
    await world.up()
    return world
  } catch (error) {
    await world.close()
    throw error
  }
}

export class TestWorld {
  readonly app: TestApp
  readonly regions: readonly string[]
  readonly folder: string
  readonly #place: Place
  readonly #topologyFile: string
  readonly #reaper: ChildProcess
  readonly #endTurn: () => void
  readonly #loads: Load[] = []

  static async make(options: WorldOptions): Promise<TestWorld> {
    // A world with cuts is idle most of the time, so it can run next to another one.
    const worldLock = options.place && !options.place.lab ? { end: () => undefined } : await takeWorldLock()
    try {
      return await TestWorld.#make(options, worldLock.end)
    } catch (error) {
      worldLock.end()
      throw error
    }
  }

  static async #make(options: WorldOptions, endTurn: () => void): Promise<TestWorld> {
    const place = options.place ?? (await loopback())
    const temporary = place.lab?.temporary ?? mkdtempSync(join(tmpdir(), 'nearside-world-'))
    const { app, regions = twoRegionsAndWitness } = options
    const topology: TopologyInput = {
      name: app.name,
      domain: `${app.name}.example.com`,
      ...options.topology,
      ...(place.lab ? {} : { network: { base: place.base } }),
      regions,
      app: { ...app.topology, ...options.topology?.app },
    }
    const file = join(temporary, 'nearside.yaml')
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(topology, null, 2))
    return new TestWorld(app, Object.keys(regions), place, file, endTurn)
  }

  private constructor(
    app: TestApp,
    regions: string[],
    place: Place,
    topologyFile: string,
    endTurn: () => void,
  ) {
    this.#endTurn = endTurn
    this.app = app
    this.regions = regions
    this.#place = place
    this.#topologyFile = topologyFile
    this.folder = worldFolderFor(topologyFile, `${app.name}${place.lab?.suffix ?? ''}`)
    const temporary = process.env.NEARSIDE_KEEP_WORLDS ? 'keep' : join(topologyFile, '..')
    this.#reaper = spawn(process.execPath, [reaper, this.folder, temporary, ...place.removal], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
    this.#reaper.unref()
    ;(this.#reaper.stdin as unknown as { unref(): void }).unref()
  }

  /** Runs `nearside up --detach` for these regions. Resolves once they serve. */
  async up(regions: readonly string[] = this.regions): Promise<void> {
    if (this.#place.lab) return void (await this.cli([], 'lab', 'up'))
    if (regions.length === this.regions.length && this.#place.inside(regions[0]!).length === 0)
      return void (await this.cli([], 'up', '--detach'))
    // The first command creates the world and the others join it. The first is ready only after that.
    const [first, ...others] = regions
    const ups = [this.#upOne(first!)]
    if (!existsSync(this.folder)) await this.until(`an agent in ${first}`, () => this.status(first!))
    ups.push(...others.map((region) => this.#upOne(region)))
    await Promise.all(ups)
  }

  #upOne(region: string): Promise<string> {
    return this.cli(this.#place.inside(region), 'up', '--detach', '--region', region)
  }

  /** Runs the command line. Resolves to its output. */
  cli(inside: string[], command: string, ...args: string[]): Promise<string> {
    const [file, ...rest] = [...inside, process.execPath, program, command, '-t', this.#topologyFile, ...args]
    const child = spawn(file!, rest, {
      env: { ...process.env, [worldMark]: this.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    let errors = ''
    child.stdout.on('data', (part) => (output += part))
    child.stderr.on('data', (part) => (errors += part))
    // A command that hangs counts as failed.
    const timer = setTimeout(() => child.kill('SIGKILL'), 180_000)
    return new Promise((resolve, reject) => {
      child.on('close', async (code, killed) => {
        clearTimeout(timer)
        if (code === 0) return resolve(output)
        const what = `nearside ${command} ${args.join(' ')}: ${killed ?? `exit ${code}`}\n${errors}`
        reject(new Error(`${what}\n${await this.report()}`))
      })
    })
  }

  /** An agent's report on its region; undefined while it does not answer. */
  async status(region: string, timeoutMs = 2000): Promise<RegionStatus | undefined> {
    try {
      const { api } = this.#secrets()
      const answer = await ask({
        host: this.address(region),
        port: 7400,
        path: '/v1/status',
        headers: { authorization: `Bearer ${api}` },
        timeoutMs,
      })
      return answer.status === 200 ? (JSON.parse(answer.body) as RegionStatus) : undefined
    } catch {
      return undefined
    }
  }

  address(region: string): string {
    return `${this.#place.base}.${this.regions.indexOf(region) + 1}.1`
  }

  edge(region: string): Edge {
    return { region, host: this.address(region), port: 8080 }
  }

  /** Waits for a region with that role according to Patroni, without asking agents. */
  async find(role: Role): Promise<string> {
    return this.until(`a ${role}`, async () => {
      for (const region of this.regions) {
        const is = await this.roleOf(region)
        if (is === role) return region
      }
      return undefined
    })
  }

  async roleOf(region: string): Promise<Role | undefined> {
    if (!existsSync(join(regionPath(this.folder, region), 'data/postgres'))) return 'witness'
    const { role } = await this.patroni(region)
    return role === undefined ? undefined : role === 'primary' ? 'primary' : 'replica'
  }

  /** Patroni's own status; empty if it does not answer. */
  async patroni(region: string): Promise<{ role?: string; failsafe_mode_is_active?: boolean }> {
    const question = { host: this.address(region), port: 8008, path: '/patroni', timeoutMs: 1000 }
    const answer = await ask(question).catch(() => undefined)
    return JSON.parse(answer?.body ?? '{}')
  }

  /** Process ids of everything started by agents. */
  engines(): number[] {
    return this.regions.flatMap((region) => {
      const run = join(regionPath(this.folder, region), 'run')
      return readdirSync(run)
        .filter((name) => name.endsWith('.json'))
        .map((name) => (JSON.parse(readFileSync(join(run, name), 'utf8')) as { pid: number }).pid)
    })
  }

  /** Process ids of a victim. */
  victims(region: string, victim: Victim): number[] {
    const folder = regionPath(this.folder, region)
    const planned = (name: string) => {
      const { pid } = JSON.parse(readFileSync(join(folder, 'run', `${name}.json`), 'utf8')) as { pid: number }
      return pid
    }
    const workers = (name: string, comm: RegExp) =>
      childrenOf(planned(name)).filter((pid) => comm.test(commandName(pid)))
    if (victim.process === 'agent') return agentsOf(this.folder, region)
    if (victim.process === 'planned') return [planned(victim.name)]
    if (victim.process === 'monitor') return [parentOf(planned(victim.of))]
    if (victim.process === 'haproxy worker') return workers('haproxy', /haproxy/)
    if (victim.process === 'varnish worker') return workers('varnish', /cache-main|varnish/)
    return [Number(readFileSync(join(folder, 'data/postgres/main/postmaster.pid'), 'utf8').split('\n')[0])]
  }

  /** Kills one process, and with HAProxy's master its worker, which carries the users. Waits until they have exited. */
  async killOne(region: string, victim: Victim): Promise<Fault> {
    const pids = this.victims(region, victim)
    const family = nameOf(victim) === 'haproxy' ? pids.flatMap((pid) => [pid, ...childrenOf(pid)]) : pids
    const ids = family.map(identify).filter((id) => id !== undefined)
    if (ids.length === 0) throw new Error(`${region}: no ${nameOf(victim)} to kill`)
    const fromMs = performance.now()
    for (const id of ids) if (pids.includes(id.pid)) signal(id, 'SIGKILL')
    await this.until(`${nameOf(victim)} to be gone`, () => ids.every((id) => isGone(id.pid)))
    return { fromMs, toMs: performance.now() }
  }

  /** Kills the region's app and keeps it from starting until `repair` is called. */
  async breakApp(region: string): Promise<{ fault: Fault; repair: () => void }> {
    const mark = join(regionPath(this.folder, region), brokenMark)
    const { processes = [] } = (await this.status(region)) ?? {}
    const apps = processes.filter(({ engine }) => engine === 'app')
    const fromMs = performance.now()
    writeFileSync(mark, '')
    for (const { name } of apps) await this.killOne(region, { process: 'planned', name })
    return { fault: { fromMs, toMs: performance.now() }, repair: () => rmSync(mark) }
  }

  /** Kills every process of the region including the agent, like a power failure. */
  async killRegion(region: string): Promise<Fault> {
    const fromMs = performance.now()
    await killAll(() => processesOfRegion(this.folder, region))
    return { fromMs, toMs: performance.now() }
  }

  /** Makes that region's member the etcd leader. Agents move the leader away from the primary's region again. */
  async leadEtcdFrom(region: string): Promise<void> {
    await this.until(`etcd to be led from ${region}`, async () => {
      const { idByName, leader } = await this.etcd(region).members()
      const leading = Object.keys(idByName).find((name) => idByName[name] === leader)
      if (leading !== undefined && leading !== region) await this.etcd(leading).moveLeader(idByName[region]!)
      return leading === region
    })
  }

  /** One region's etcd member. */
  etcd(region: string): Etcd {
    return new Etcd({
      endpoints: [`http://${this.address(region)}:2379`],
      username: 'root',
      password: this.#secrets().etcd,
    })
  }

  #secrets(): Secrets {
    return JSON.parse(readFileSync(join(this.folder, 'secrets.json'), 'utf8'))
  }

  /** The context that a region's files are rendered from, for calls to engines that need a password. */
  context(region: string): RegionContext {
    const { topology, appFolder } = JSON.parse(
      readFileSync(join(this.folder, 'world.json'), 'utf8'),
    ) as WorldRecord
    return contextOf(topology, region, { secrets: this.#secrets(), folder: this.folder, appFolder })
  }

  /** Waits until the region has been primary for a while, because agents leave a new primary alone at first. */
  async hasSettled(region: string): Promise<void> {
    const { settleMs } = defaultPolicy(this.context(region).topology.failover)
    await this.until(`${region} to have led for ${settleMs} ms`, async () => {
      const { primary, primaryForMs = 0 } = (await this.status(region))?.world ?? {}
      return primary === region && primaryForMs > settleMs
    })
  }

  async killAgents(regions: readonly string[] = this.regions): Promise<void> {
    const find = () =>
      regions
        .flatMap((region) => agentsOf(this.folder, region).map(identify))
        .filter((id) => id !== undefined)
    await killAll(find)
  }

  /** Suspends every process of the region until `resume` is called. */
  async pauseRegion(region: string): Promise<{ fault: Fault; resume: () => void }> {
    const fromMs = performance.now()
    const paused = await pauseAll(() => processesOfRegion(this.folder, region))
    const resume = () => {
      for (const id of paused) signal(id, 'SIGCONT')
    }
    return { fault: { fromMs, toMs: performance.now() }, resume }
  }

  /** Waits until every process of these regions is ready and their databases are in sync. Default: all regions. */
  async settled(regions: readonly string[] = this.regions, limitMs = 120_000): Promise<void> {
    await this.until(
      `${regions.join(', ')} to be ready, healthy, and in sync`,
      async () => {
        const all = await Promise.all(regions.map((region) => this.status(region)))
        return all.every((status) => {
          const world = status?.world
          if (!status?.ready || !world || status.etcd.error !== undefined) return false
          const { database } = this.#durability()
          return (
            world.durability === (database === 'local' ? 'local' : 'region') &&
            Object.values(world.health).every((health) => health === 'healthy') &&
            Object.values(world.lag).every((lag) => lag.streaming)
          )
        })
      },
      limitMs,
    )
  }

  #durability(): { database: string } {
    const topology = JSON.parse(readFileSync(this.#topologyFile, 'utf8')) as TopologyInput
    return { database: topology.database?.durability ?? 'region' }
  }

  /** Starts load at these edges, each with the given rates. */
  load(
    edges: readonly string[],
    rates: { writesPerSecond: number; readsPerSecond: number } = { writesPerSecond: 20, readsPerSecond: 40 },
  ): Load {
    const load = new Load({
      app: this.app,
      edges: edges.map((region) => this.edge(region)),
      prefix: `t${this.#loads.length}`,
      ...rates,
    })
    this.#loads.push(load)
    return load.start()
  }

  /** Describes the first violations. */
  async check(): Promise<string[]> {
    return linesOf(await this.violations())
  }

  /**
   * Stops every load, waits for the replicas to catch up, and asks every full region's database, the primary's first,
   * for everything ever tried in this world. Returns violations.
   */
  async violations(): Promise<Violation[]> {
    const attempts = (await Promise.all(this.#loads.map((load) => load.stop()))).flat()
    const full = this.regions.filter((region) =>
      existsSync(join(regionPath(this.folder, region), 'data/postgres')),
    )
    const show = async (region: string, source: Source) =>
      viewOf(region, source, await this.app.entries(this.edge(region), source, 't'))
    try {
      const final = await viewsWhenEqual({
        primary: () => show(full[0]!, 'primary'),
        replica: (region) => show(region, 'replica'),
        regions: full,
        catchUpMs: 60_000,
      })
      return violationsIn(attempts, final)
    } catch (error) {
      throw new Error(`${messageOf(error)}\n${await this.report()}`)
    }
  }

  /** Waits for a condition, and reports everything on timeout. An error thrown by the condition counts as "not yet". */
  async until<T>(what: string, condition: () => T | Promise<T>, limitMs = 60_000): Promise<NonNullable<T>> {
    const giveUpAt = performance.now() + limitMs
    let last: unknown
    for (;;) {
      try {
        const value = await condition()
        if (value) return value
        last = undefined
      } catch (error) {
        last = error
      }
      if (performance.now() > giveUpAt) break
      await delay(50)
    }
    const why = last === undefined ? '' : ` (${messageOf(last)})`
    throw new Error(`timed out after ${limitMs} ms waiting for ${what}${why}\n${await this.report()}`)
  }

  /** Every region's status and the ends of its logs, for error messages. */
  async report(): Promise<string> {
    const parts = await Promise.all(
      this.regions.map(async (region) => {
        const status = await this.status(region)
        const logs = ['agent', 'etcd', 'postgres', 'haproxy', 'app-0'].map((name) =>
          tail(this.folder, region, name),
        )
        return [`--- ${region}: ${JSON.stringify(status ?? 'no agent answers')}`, ...logs].join('\n')
      }),
    )
    return parts.join('\n')
  }

  /** Stops and removes everything; fails if a process survives. */
  async close(): Promise<void> {
    for (const load of this.#loads) load.abandon()
    await killAll(() => processesOfWorld(this.folder))
    const gone = new Promise((resolve) => this.#reaper.once('exit', resolve))
    this.#reaper.ref()
    this.#reaper.stdin!.end()
    await gone
    await this.#place.remove()
    this.#endTurn()
    const left = processesOfWorld(this.folder)
    if (left.length > 0) throw new Error(`survived: ${left.map((id) => id.pid).join(', ')}`)
  }
}

async function loopback(): Promise<Place> {
  const { base, giveBack } = await takeNetwork()
  return { base, inside: () => [], removal: [], remove: giveBack }
}

function tail(folder: string, region: string, name: string): string {
  try {
    const lines = readFileSync(join(regionPath(folder, region), 'log', `${name}.log`), 'utf8')
      .trim()
      .split('\n')
    return [`> ${region}/${name}.log`, ...lines.slice(-12).map((line) => line.slice(0, 400))].join('\n')
  } catch {
    return `> ${region}/${name}.log: none`
  }
}

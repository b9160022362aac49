import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { dirname, join } from 'node:path'
import { launcher } from '../../src/agent/supervision/launch.ts'
import { reload } from '../../src/agent/supervision/reload.ts'
import { type HaproxyControl, haproxyIn } from '../../src/engines/haproxy/control.ts'
import { renderHaproxy } from '../../src/engines/haproxy/render.ts'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { renderVarnish } from '../../src/engines/varnish/render.ts'
import { thisMachine } from '../../src/lib/machine.ts'
import { identify, isAlive, type ProcessId, signal as send } from '../../src/lib/proc.ts'
import type { EnginePart, PlanProcess } from '../../src/plan.ts'
import { appPort, type Region, regionsOf } from '../../src/topology/regions.ts'
import type { Topology, TopologyInput } from '../../src/topology/schema.ts'
import { runSandboxed, type Sandboxed } from './engine-program.ts'
import {
  type FakeApp,
  type FakeDatabase,
  type FakePatroni,
  fakeApp,
  fakeDatabase,
  fakePatroni,
} from './fakes.ts'
import { freeNetwork } from './net.ts'
import { type Ask, ask, type RawConnection, type Reply, rawConnection } from './requests.ts'
import { temporaryFolder, until } from './sandboxed.ts'
import { contextFor, topologyOf } from './topologies.ts'

/**
 * Edges of a world: real HAProxy and Varnish of every serving region, from the engine root, each on its own address.
 * Apps, Patroni and PostgreSQL are fakes (see fakes.ts), so that a test decides which region is primary.
 */
export type EdgeWorld = {
  topology: Topology
  at(region: string): EdgeRegion
  /** Makes this region's Patroni the primary, or none with undefined. Resolves once every HAProxy has seen it. */
  setPrimary(region: string | undefined): Promise<void>
  /** Writes the files of a changed topology. Running processes use the old files until they reload. */
  write(changes: EdgeOptions['changes']): void
  stop(): Promise<void>
}

export type EdgeRegion = {
  region: Region
  folder: string
  apps: FakeApp[]
  patroni: FakePatroni
  database: FakeDatabase
  control: HaproxyControl
  haproxy: EngineProcess
  varnish: EngineProcess
  /** Sends a request to the user port, unless another port is given. */
  ask(path: string, options?: Ask & { port?: number }): Promise<Reply>
  raw(send?: string, port?: number): RawConnection
  /** Servers of a proxy that HAProxy considers up, without backups. */
  up(proxy: string): Promise<string[]>
}

export type EngineProcess = {
  running(): Sandboxed
  start(): Promise<void>
  /** Reloads like an agent. Resolves to the reason for refusing the files, or to undefined once they are in use. */
  reload(): Promise<string | undefined>
  /** Kills all of its processes like a power failure; with a signal, signals only the started process. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export type EdgeOptions = {
  regions: TopologyInput['regions']
  changes?: Parameters<typeof topologyOf>[1]
  primary?: string
  varnish?: boolean
  /** Alters rendered files before they are written, to prove that a test fails without the feature it tests. */
  alter?: (path: string, content: string) => string
}

export async function startEdges(options: EdgeOptions): Promise<EdgeWorld> {
  const { regions, changes, primary, varnish = false, alter = (_, content) => content } = options
  const network = { base: await freeNetwork() }
  const topology = topologyOf(regions, { network, ...changes })
  const world = new Map<string, EdgeRegion>()
  const stops: (() => Promise<void>)[] = []
  const stop = async () => {
    await Promise.all(stops.map((end) => end()))
  }
  try {
    for (const region of regionsOf(topology).filter(({ serves }) => serves)) {
      const folder = temporaryFolder(`edge-${region.name}`)
      const parts = partsOf(topology, region.name, folder)
      for (const part of parts) writePart(part, folder, alter)
      const processOf = (part: EnginePart) => engineProcess(folder, part.processes[0]!)
      const edge = edgeRegion(topology, region, folder, processOf(parts[0]!), processOf(parts[1]!))
      world.set(region.name, edge)
      stops.push(async () => {
        await Promise.all([edge.haproxy.kill(), edge.varnish.kill()])
        await Promise.all([...edge.apps, edge.patroni, edge.database].map((fake) => fake.stop()))
      })
      edge.patroni.role = region.name === primary ? 'primary' : 'replica'
      if (region.full) for (const fake of [...edge.apps, edge.patroni, edge.database]) await fake.start()
      await edge.haproxy.start()
    }
    if (varnish) await Promise.all([...world.values()].map((edge) => edge.varnish.start()))
    const full = [...world.values()].filter(({ region }) => region.full).map(({ region }) => region.name)
    for (const edge of world.values()) {
      await until(`${edge.region.name} to see its world`, async () => {
        // Up after a health check, not just initially.
        const rows = (await edge.control.stats()).filter((row) => row.up && row.check?.status === 'L7OK')
        const good = (proxy: string) => rows.filter((row) => row.proxy === proxy).length
        const others = full.filter((name) => name !== edge.region.name)
        return (
          (!varnish || good('cdn') === 1) &&
          good('app') === edge.apps.length &&
          others.every((name) => good(`to-${name}`) === 1)
        )
      })
    }
    const setPrimary = async (name: string | undefined) => {
      for (const edge of world.values()) edge.patroni.role = edge.region.name === name ? 'primary' : 'replica'
      const wanted = name === undefined ? [] : [name]
      for (const edge of world.values())
        await until(`${edge.region.name} to see ${name ?? 'no primary'}`, async () => {
          const seen = await edge.up('primary')
          return JSON.stringify(seen) === JSON.stringify(wanted)
        })
    }
    await setPrimary(primary)
    const write: EdgeWorld['write'] = (others) => {
      const changed = topologyOf(regions, { network, ...others })
      for (const { region, folder } of world.values())
        for (const part of partsOf(changed, region.name, folder)) writePart(part, folder, alter)
    }
    return { topology, at: (name) => world.get(name)!, setPrimary, write, stop }
  } catch (error) {
    await stop()
    const logs = [...world.values()].map((edge) => logOf(edge)).join('\n')
    throw new Error(`the edges did not start:\n${logs}`, { cause: error })
  }
}

function edgeRegion(
  topology: Topology,
  region: Region,
  folder: string,
  haproxy: EngineProcess,
  varnish: EngineProcess,
): EdgeRegion {
  const { ports } = topology
  const { address } = region
  const control = haproxyIn(folder, 5_000)
  return {
    region,
    folder,
    apps: region.full
      ? Array.from({ length: topology.app.instances }, (_, instance) =>
          fakeApp(`${region.name}-${instance}`, address, appPort(topology, region, instance)),
        )
      : [],
    patroni: fakePatroni(address, ports.patroni),
    database: fakeDatabase(region.name, address, ports.postgres),
    control,
    haproxy,
    varnish,
    ask: (path, { port = ports.http, ...options } = {}) => ask(address, port, path, options),
    raw: (send, port = ports.http) => rawConnection(address, port, send),
    up: async (proxy) =>
      (await control.stats())
        .filter(
          (row) =>
            row.proxy === proxy &&
            row.kind === 'server' &&
            row.up &&
            !['reroute', 'origin'].includes(row.name),
        )
        .map((row) => row.name),
  }
}

function partsOf(topology: Topology, region: string, folder: string): EnginePart[] {
  const context = contextFor(topology, region, folder, thisMachine())
  return [renderHaproxy(context), renderVarnish(context)]
}

function writePart(part: EnginePart, folder: string, alter: (path: string, content: string) => string): void {
  for (const name of ['run', ...part.folders]) mkdirSync(join(folder, name), { recursive: true })
  for (const { path, content, mode } of part.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), alter(path, content), { mode })
  }
}

function engineProcess(folder: string, plan: PlanProcess): EngineProcess {
  let process: Sandboxed | undefined
  return {
    running() {
      if (!process) throw new Error(`${plan.name} was not started`)
      return process
    },
    async start() {
      process = await runSandboxed(folder, plan.command, {
        runDir: join(folder, 'run'),
        logFile: join(folder, `${plan.name}.log`),
      })
    },
    reload() {
      const { prepare } = launcher({ root: locateEngineRoot().path, folder, files: [] })
      return reload(plan, plan.reload!, folder, { prepare })
    },
    async kill(signal) {
      if (!process || process.hasExited()) return
      // Stop the process first. Otherwise a worker forked right now would be missed and keep its addresses.
      const self = signal === undefined ? identify(process.pid) : undefined
      if (self) send(self, 'SIGSTOP')
      const children = self ? childrenOf(process.pid) : []
      const ended = process.kill(signal)
      for (const child of children) send(child, 'SIGKILL')
      await ended
      // A worker that is still exiting would accept a request and lose it.
      await until('its children to be gone', () => !children.some(isAlive))
    },
  }
}

export function logOf(edge: EdgeRegion): string {
  return [edge.haproxy, edge.varnish]
    .map((engine) => {
      try {
        return engine.running().output()
      } catch {
        return ''
      }
    })
    .join('\n')
}

/** Reuses connections, like browsers. */
export function keepAlive(): Agent {
  return new Agent({ keepAlive: true })
}

function childrenOf(pid: number): ProcessId[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
    return children.flatMap((child) => (child === '' ? [] : (identify(Number(child)) ?? [])))
  } catch {
    return []
  }
}

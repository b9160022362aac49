import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { RegionContext } from '../../src/engines/context.ts'
import { ask } from '../../src/engines/knot/ask.ts'
import { createKnotControl, type KnotControl, type RunEngine } from '../../src/engines/knot/control.ts'
import type { Question, Reply } from '../../src/engines/knot/message.ts'
import { renderKnot } from '../../src/engines/knot/render.ts'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { childPid, sandboxCommand } from '../../src/engines/root/sandbox.ts'
import { parsePrefix } from '../../src/geo/prefix.ts'
import type { EnginePart } from '../../src/plan.ts'
import { othersByDistance, type Region, regionsOf } from '../../src/topology/regions.ts'
import { type Topology, type TopologyInput, topologySchema } from '../../src/topology/schema.ts'
import { temporaryFolder, until } from './sandboxed.ts'

export const usEast = { location: { lat: 39.04, lon: -77.49 } }
export const usWest = { location: { lat: 45.84, lon: -119.7 } }
export const witness = { location: { lat: 41.26, lon: -95.86 }, role: 'witness' as const }

/** Two regions and a witness, on addresses that no other test has. */
export function knotTopology(changes: Partial<TopologyInput> = {}): Topology {
  return topologySchema.parse({
    name: 'shop',
    domain: 'shop.example.com',
    network: { base: `127.${100 + Math.floor(Math.random() * 150)}` },
    regions: { 'us-east': usEast, 'us-west': usWest, 'us-central': witness },
    app: { command: ['node', 'server.js'] },
    ...changes,
  })
}

export function knotContext(topology: Topology, name: string, folder: string): RegionContext {
  const regions = regionsOf(topology)
  const region = regions.find((candidate) => candidate.name === name)!
  // Knot has no secrets.
  const secrets = {} as RegionContext['secrets']
  return {
    topology,
    region,
    regions,
    others: othersByDistance(regions, region),
    secrets,
    folder,
    appFolder: '/app',
  }
}

/** Writes an engine's files as the agent would. */
export function writePart(part: EnginePart, folder: string): void {
  for (const name of ['data', 'run', ...part.folders]) mkdirSync(join(folder, name), { recursive: true })
  for (const { path, content, mode } of part.files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content, { mode })
  }
}

export type TestKnot = {
  topology: Topology
  region: Region
  folder: string
  control: KnotControl
  run: RunEngine
  ask(question?: Partial<Omit<Question, 'subnet'>> & { subnet?: string }): Promise<Reply | undefined>
  /** The addresses in the answer for a user of the network, and how far the answer holds. */
  answer(subnet: string): Promise<{ addresses: string[]; scope: number | undefined }>
  output(): string
  alive(): boolean
  /** Starts it again after `kill`. */
  start(): Promise<void>
  kill(): Promise<void>
  stop(): Promise<void>
}

export async function startKnot(topology = knotTopology(), name = 'us-east'): Promise<TestKnot> {
  const folder = temporaryFolder('knot')
  const context = knotContext(topology, name, folder)
  const part = renderKnot(context)
  writePart(part, folder)
  const { address } = context.region
  const server = { address, port: topology.ports.dns }
  const run = sandboxRunner(folder)
  const control = createKnotControl({ domain: topology.domain, folder, server, run })

  const logFile = join(folder, 'knot.log')
  const output = () => readFileSync(logFile, 'utf8')
  let kill = async () => {}
  let alive = () => false
  const knot: TestKnot = {
    topology,
    region: context.region,
    folder,
    control,
    run,
    ask: ({ name = topology.domain, type = 'A', subnet } = {}) =>
      ask(server, { name, type, ...(subnet === undefined ? {} : { subnet: parsePrefix(subnet)! }) }, 5000),
    async answer(subnet) {
      const reply = await knot.ask({ subnet })
      return { addresses: reply?.records.map((record) => record.data) ?? [], scope: reply?.scope }
    },
    output,
    alive: () => alive(),
    async start() {
      const log = openSync(logFile, 'a')
      const sandbox = sandboxCommand({ ...sandboxOf(folder, part.processes[0]!.command), infoFd: 3 })
      const child = spawn(sandbox.file, sandbox.args, {
        env: sandbox.env,
        stdio: ['ignore', log, log, 'pipe'],
      })
      const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
      alive = () => child.exitCode === null && child.signalCode === null
      let info = ''
      for await (const chunk of child.stdio[3] as Readable) {
        info += chunk
        if (childPid(info) !== undefined) break
      }
      kill = async () => {
        if (alive()) process.kill(childPid(info)!, 'SIGKILL')
        await exited
      }
      await until('Knot to answer', async () => !alive() || (await knot.ask({ type: 'SOA' }))?.code === 0)
      if (!alive()) throw new Error(`Knot did not start:\n${output()}`)
    },
    kill: () => kill(),
    async stop() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  try {
    await knot.start()
  } catch (error) {
    await knot.stop()
    throw error
  }
  return knot
}

function sandboxOf(folder: string, command: string[]) {
  return {
    root: locateEngineRoot().path,
    binds: [{ path: folder }],
    runDir: join(folder, 'run'),
    cwd: folder,
    env: {},
    command,
    lifetime: 'tied' as const,
  }
}

/** Runs programs of the engine root in the folder, as the agent does. */
export function sandboxRunner(folder: string): RunEngine {
  return (command) =>
    new Promise((resolve, reject) => {
      const sandbox = sandboxCommand(sandboxOf(folder, command))
      const child = spawn(sandbox.file, sandbox.args, { env: sandbox.env, stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      const collect = (text: string) => {
        output += text
      }
      child.stdout.setEncoding('utf8').on('data', collect)
      child.stderr.setEncoding('utf8').on('data', collect)
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, output }))
    })
}

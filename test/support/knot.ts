import { spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ask } from '../../src/engines/knot/ask.ts'
import { createKnotControl, type KnotControl, type RunEngine } from '../../src/engines/knot/control.ts'
import type { Question, Reply } from '../../src/engines/knot/message.ts'
import { renderKnot } from '../../src/engines/knot/render.ts'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { sandboxCommand } from '../../src/engines/root/sandbox.ts'
import { parsePrefix } from '../../src/geo/prefix.ts'
import type { EnginePart } from '../../src/plan.ts'
import type { Region } from '../../src/topology/regions.ts'
import type { Topology } from '../../src/topology/schema.ts'
import { runSandboxed, type Sandboxed } from './engine-program.ts'
import { freeNetwork } from './net.ts'
import { temporaryFolder, until } from './sandboxed.ts'
import { contextFor, topologyOf, twoRegions } from './topologies.ts'

type Changes = Parameters<typeof topologyOf>[1] & {
  regions?: Topology['regions'] | Parameters<typeof topologyOf>[0]
}

/** By default two regions and a witness, on addresses that no other Knot uses. */
export async function knotTopology({ regions = twoRegions, ...changes }: Changes = {}): Promise<Topology> {
  return topologyOf(regions, { network: { base: await freeNetwork() }, ...changes })
}

/** Writes an engine's files like the agent. */
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
  ask(
    question?: Partial<Omit<Question, 'subnet'>> & { subnet?: string },
    resendMs?: number,
  ): Promise<Reply | undefined>
  /** The addresses in the answer for a user of the network, with the scope of the answer: `127.1.1.1 /17`. */
  answer(subnet: string): Promise<string>
  output(): string
  pid(): number | undefined
  hasExited(): boolean
  /** Starts it again after `kill`. */
  start(): Promise<void>
  kill(): Promise<void>
  stop(): Promise<void>
}

/** A region's Knot with the files of its plan, started like the agent does. `name` is the region's. */
export async function startKnot(topology: Topology, name = 'us-east'): Promise<TestKnot> {
  const folder = temporaryFolder('knot')
  const { region } = contextFor(topology, name)
  const part = renderKnot(contextFor(topology, name))
  writePart(part, folder)
  const server = { address: region.address, port: topology.ports.dns }
  const run = sandboxRunner(folder)
  let program: Sandboxed | undefined
  const knot: TestKnot = {
    topology,
    region,
    folder,
    control: createKnotControl({ domain: topology.domain, folder, server, run }),
    run,
    ask({ name = topology.domain, type = 'A', subnet } = {}, resendMs = 50) {
      const network = subnet === undefined ? {} : { subnet: parsePrefix(subnet)! }
      return ask(server, { name, type, ...network }, { timeoutMs: 5000, resendMs })
    },
    async answer(subnet) {
      const reply = await knot.ask({ subnet })
      return reply ? `${reply.records.map((record) => record.data)} /${reply.scope}` : 'no answer'
    },
    output: () => program?.output() ?? '',
    pid: () => program?.pid,
    hasExited: () => program?.hasExited() ?? true,
    async start() {
      const started = await runSandboxed(folder, part.processes[0]!.command, {
        runDir: join(folder, 'run'),
        logFile: join(folder, 'knot.log'),
      })
      program = started
      await until('Knot to answer', async () => {
        return started.hasExited() || (await knot.ask({ type: 'SOA' }))?.code === 0
      })
      if (started.hasExited()) throw new Error(`Knot did not start:\n${started.output()}`)
    },
    async kill() {
      await program?.kill()
    },
    async stop() {
      await knot.kill()
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

/** Runs programs of the engine root in the folder, like the agent. */
export function sandboxRunner(folder: string): RunEngine {
  return (command) =>
    new Promise((resolve, reject) => {
      const sandbox = sandboxCommand({
        root: locateEngineRoot().path,
        binds: [{ path: folder }],
        runDir: join(folder, 'run'),
        cwd: folder,
        env: {},
        command,
        lifetime: 'tied',
      })
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

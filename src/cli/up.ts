import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Command } from 'commander'
import { worldFolderFor, writeWorld } from '../agent/layout.ts'
import { secretsOf } from '../agent/secrets.ts'
import { NearsideError } from '../lib/errors.ts'
import { isAlive, type ProcessId } from '../lib/proc.ts'
import { loadTopology } from '../topology/load.ts'
import type { Region } from '../topology/regions.ts'
import { revision } from '../topology/revision.ts'
import { agentLogTail, startAgent, stopWorld } from './agents.ts'
import { openWorld, regionNamed, regionStatus, type WorldHandle } from './client.ts'
import { renderStatus, worldStatus } from './status.ts'

type Options = { topology?: string; region?: string; detach?: boolean; json?: boolean }

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start the world of a topology on this machine, or what is missing of it')
    .option('-t, --topology <file>', 'topology file (default: nearside.config.ts or nearside.yaml here)')
    .option('-r, --region <name>', 'only this region’s agent')
    .option('-d, --detach', 'return when every region serves; the world goes on')
    .option('--json', 'print the status as JSON when every region serves')
    .addHelpText('after', '\nExample:\n  nearside up --detach && nearside status\n')
    .action(up)
}

async function up(options: Options): Promise<void> {
  const world = await prepare(options)
  const regions = options.region ? [regionNamed(world, options.region)] : [...world.regions]
  const started = new Map<string, ProcessId>()
  for (const region of regions)
    if (!(await alive(world, region))) started.set(region.name, await startAgent(world, region))
  const stop = async () => {
    await stopWorld(world, regions, (stage) => process.stderr.write(`stopping: ${stage}\n`))
  }
  let interrupted = false
  if (!options.detach)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (interrupted) return
        interrupted = true
        void stop().then(() => process.exit(0))
      })
  await untilReady(world, regions, started, () => interrupted)
  const status = await worldStatus(world)
  process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : renderStatus(status))
  if (options.detach) return
  await new Promise(() => setInterval(() => undefined, 1 << 30))
}

async function prepare(options: Options): Promise<WorldHandle> {
  const { topology, file, appFolder } = await loadTopology(options.topology ?? process.cwd())
  const folder = worldFolderFor(file, topology.name)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await secretsOf(folder)
  const record = {
    topology,
    revision: revision(topology),
    topologyFile: file,
    appFolder,
    run: randomBytes(6).toString('hex'),
  }
  const existing = await openWorld(folder).catch(() => undefined)
  if (existing) {
    const living = await Promise.all(existing.regions.map((region) => alive(existing, region)))
    if (living.some(Boolean)) {
      if (existing.record.revision === record.revision) return existing
      throw new NearsideError('world_differs', `${file}: has changed since this world was started`, {
        remedy: 'nearside down, then nearside up',
      })
    }
  }
  await writeWorld(folder, record)
  return openWorld(folder)
}

const alive = async (world: WorldHandle, region: Region) =>
  (await regionStatus(world, region, 1000)) !== undefined

async function untilReady(
  world: WorldHandle,
  regions: readonly Region[],
  started: ReadonlyMap<string, ProcessId>,
  interrupted: () => boolean,
): Promise<void> {
  const said = new Map<string, string>()
  while (!interrupted()) {
    const all = await Promise.all(regions.map((region) => regionStatus(world, region, 1000)))
    for (const [index, region] of regions.entries()) {
      const agent = started.get(region.name)
      if (!all[index] && agent && !isAlive(agent))
        throw new NearsideError(
          'agent_died',
          `${region.name}: its agent ended:\n${await agentLogTail(world, region)}`,
        )
      const processes = all[index]?.processes ?? []
      const release = all[index]?.world?.release
      if (release?.startsWith('failed'))
        throw new NearsideError('release_failed', `app.release ${release}`, {
          remedy: 'mend it, then nearside down and nearside up',
        })
      const gaveUp = processes.find((one) => one.state === 'gaveUp')
      if (gaveUp)
        throw new NearsideError('process_gave_up', `${region.name}/${gaveUp.name}: ${gaveUp.why}`, {
          remedy: `nearside logs ${region.name} ${gaveUp.name}`,
        })
      const line = processes
        .filter((one) => one.state !== 'ready')
        .map((one) => `${one.name} ${one.state}${one.why ? ` (${one.why})` : ''}`)
        .join(', ')
      if (line !== said.get(region.name)) process.stderr.write(`${region.name}: ${line || 'ready'}\n`)
      said.set(region.name, line)
    }
    if (all.every((status) => status?.ready)) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await new Promise(() => undefined)
}

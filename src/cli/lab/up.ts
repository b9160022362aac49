import { readFile } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Command } from 'commander'
import { type LabRecord, readWorld, regionFolder, type WorldRecord } from '../../agent/layout.ts'
import { nodeOptions } from '../../lab/faults/app.ts'
import { mountSmallDisk, parseSmallDisks } from '../../lab/faults/small-disk.ts'
import { isFresh, labTopology, raiseLab, removeLab } from '../../lab/lab.ts'
import { baseLinks, parseRtts } from '../../lab/links.ts'
import { mustBeAble } from '../../lab/network/abilities.ts'
import { enter } from '../../lab/network/enter.ts'
import { makeRouterNamespace } from '../../lab/network/make.ts'
import { labIdOf, namespaceOf } from '../../lab/network/names.ts'
import { NearsideError } from '../../lib/errors.ts'
import { makeFolder } from '../../lib/files.ts'
import { type LoadedTopology, loadTopology } from '../../topology/load.ts'
import { type Region, regionsOf } from '../../topology/regions.ts'
import type { MeasuredRtts } from '../../topology/round-trips.ts'
import { openWorld } from '../../world/handle.ts'
import { stopAll } from '../down.ts'
import { hint } from '../hint.ts'
import { onInterrupt } from '../interrupt.ts'
import { locked } from '../locked.ts'
import { action, exitCodes, type Output, printWarnings } from '../output.ts'
import { folderOf, prepare, type Started } from '../up/prepare.ts'
import { untilUp } from '../up/wait.ts'
import type { WorldOptions } from '../world.ts'
import { labStatus } from './collect.ts'
import { madeWords, renderPlaces } from './render.ts'
import { endStranded } from './stranded.ts'

type Options = WorldOptions & { rtt?: string; appFaults?: boolean; smallDisk?: string[]; json?: boolean }

const examples = `
Examples:
  nearside lab up                       the topology of this folder, at the distances of its regions
  nearside lab up --rtt measured.csv    round trips that were measured: a line for each pair, us-east,us-west,62.5
  nearside lab up --app-faults --small-disk us-east=1gb       for faults that need them; see nearside lab fault --list

It makes a world of its own, called after the topology with -lab at its end, beside the one of nearside up. It starts
and mends what is missing and leaves alone what runs, so it can be typed again at any time. It needs root.
Exit codes: 0 every region serves, 1 it could not be started, 2 wrong usage, 130 interrupted.`

export function upCommand(lab: Command): void {
  lab
    .command('up')
    .description('start the world of a topology with a wide-area network between its regions')
    .option('--rtt <file>', 'measured round trips, as lines of from,to,rttMs; other pairs by the model')
    .option(
      '--app-faults',
      'load into the apps (Node only) what makes them answer 500, leak, or mistake the time',
    )
    .option('--small-disk <region=size...>', 'a disk of its own, in memory, for a region’s database')
    .option('--json', 'print the status as JSON when every region serves')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => up(output, options)))
}

async function up(output: Output, options: Options): Promise<number> {
  const startedAt = performance.now()
  const { signal } = onInterrupt(output, 'stop')
  await mustBeAble()
  const plain = labTopology(await loadTopology(options.topology ?? '.'))
  const folder = folderOf(plain)
  const { appFaults = false, smallDisks: disksBefore = {} } = (await knownLab(folder)) ?? {}
  const loaded = options.appFaults || appFaults ? withAppFaults(plain) : plain
  const id = labIdOf(folder)
  const regions = regionsOf(loaded.topology)
  const measured = options.rtt === undefined ? undefined : await rttsFrom(options.rtt, regions)
  const full = regions.filter((region) => region.full).map((region) => region.name)
  const smallDisks = { ...disksBefore, ...parseSmallDisks(options.smallDisk ?? [], full) }
  // Where nothing can be written no network is made either.
  makeFolder(folder, 0o700)
  if (!signal.aborted) await goToRouter(id, folder)
  printWarnings(output, loaded.warnings)

  let fresh = false
  let started: Started | undefined
  const start = async () => {
    fresh = isFresh(id)
    signal.throwIfAborted()
    // Another command may have removed it while we waited.
    await goToRouter(id, folder)
    const before = fresh ? undefined : await readWorld(folder).catch(() => undefined)
    const rttMs = measured ?? before?.lab?.rttMs
    const lab: LabRecord = {
      id,
      ...(rttMs ? { rttMs } : {}),
      ...(loaded === plain ? {} : { appFaults: true }),
      ...(Object.keys(smallDisks).length > 0 ? { smallDisks } : {}),
    }
    const base = baseLinks(regions, rttMs, loaded.topology.network.rttMs)
    const newDelays = before !== undefined && !isDeepStrictEqual(base, baseOf(before))
    const made = await raiseLab(id, folder, regions, base, newDelays)
    if (made.length > 0) output.note(madeWords(loaded.topology.name, made, fresh))
    await endStranded(id, folder, regions, output)
    for (const [region, bytes] of Object.entries(smallDisks))
      await mountSmallDisk(regionFolder(folder, region), bytes)
    signal.throwIfAborted()
    started = await prepare({ loaded, lab }, output, signal)
  }
  try {
    await locked(folder, 'lab up', output, start, signal)
    signal.throwIfAborted()
    await untilUp(started!, output, signal, true)
  } catch (error) {
    const mine = fresh && (signal.aborted || !started)
    if (mine) await locked(folder, 'lab up', output, () => takeBack(id, folder, output))
    if (!signal.aborted) throw error
    const { name } = loaded.topology
    const goesOn = started && !mine
    output.note(
      goesOn
        ? `${name} goes on starting: ${hint(started!.world, 'status')}, ${hint(started!.world, 'down')}`
        : `${name} was not started, and its network is gone again`,
    )
    return exitCodes.interrupted
  }
  const { world } = started!
  output.result(await labStatus(world))
  output.print(renderPlaces(started!, (performance.now() - startedAt) / 1000))
  return exitCodes.ok
}

/** Makes the router's namespace if there is none, and goes on there: only from there are the regions reached. */
async function goToRouter(id: string, folder: string): Promise<void> {
  await makeRouterNamespace(id, folder)
  enter(namespaceOf(id, 'router'))
}

async function rttsFrom(file: string, regions: readonly Region[]): Promise<MeasuredRtts> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new NearsideError('lab_rtt_unreadable', `${file}: cannot be read`, {
      remedy: 'expected a file with lines such as us-east,us-west,62.5',
      cause,
    })
  }
  return parseRtts(
    text,
    file,
    regions.map((region) => region.name),
  )
}

/** What the network that is there was made with. */
const baseOf = ({ topology, lab }: WorldRecord) =>
  baseLinks(regionsOf(topology), lab?.rttMs, topology.network.rttMs)

const knownLab = async (folder: string) => (await readWorld(folder).catch(() => undefined))?.lab

function withAppFaults(loaded: LoadedTopology): LoadedTopology {
  const { topology } = loaded
  const env = { ...topology.app.env, NODE_OPTIONS: nodeOptions(topology.app.env.NODE_OPTIONS) }
  return { ...loaded, topology: { ...topology, app: { ...topology.app, env } } }
}

/** Everything that this command has made but the data: it was interrupted, or could not go on. */
async function takeBack(id: string, folder: string, output: Output): Promise<void> {
  const world = await openWorld(folder).catch(() => undefined)
  if (world?.record.lab) await stopAll(world, output)
  else await removeLab(id)
}

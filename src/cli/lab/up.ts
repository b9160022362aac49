import { isDeepStrictEqual } from 'node:util'
import type { Command } from 'commander'
import { type LabRecord, readWorld, regionFolder, type WorldRecord } from '../../agent/layout.ts'
import { mountSmallDisk, parseSmallDisks } from '../../lab/faults/small-disk.ts'
import { isFresh, raiseLab, removeLab } from '../../lab/lab.ts'
import { baseLinks, readRtts } from '../../lab/links.ts'
import { mustBeAble } from '../../lab/network/abilities.ts'
import { makeRouterNamespace } from '../../lab/network/make.ts'
import { endStranded } from '../../lab/network/stranded.ts'
import { settingsOf } from '../../lab/settings.ts'
import { labStatus } from '../../lab/status.ts'
import { labTopology, withAppFaults } from '../../lab/topology.ts'
import { makeFolder } from '../../lib/files.ts'
import { list } from '../../lib/format.ts'
import { loadTopology } from '../../topology/load.ts'
import { regionsOf } from '../../topology/regions.ts'
import type { WorldOptions } from '../../world/find.ts'
import { openWorld } from '../../world/handle.ts'
import { hint } from '../../world/hint.ts'
import { locked } from '../../world/lock.ts'
import { isInside } from '../../world/namespaces/enter.ts'
import { goInside, type Interrupt } from '../../world/namespaces/go-inside.ts'
import { labIdOf, namespaceOf } from '../../world/namespaces/names.ts'
import { folderOf, prepare, type Started } from '../../world/prepare.ts'
import { stopAll } from '../down.ts'
import { onInterrupt } from '../interrupt.ts'
import { healLeftFaults } from '../left-faults.ts'
import { action, exitCodes, type Output, printWarnings } from '../output.ts'
import { untilUp } from '../up/wait.ts'
import { madeWords, renderPlaces } from './render.ts'

type Options = WorldOptions & {
  rtt?: string | false
  appFaults?: boolean
  smallDisk?: string[]
  json?: boolean
}

const examples = `
Examples:
  nearside lab up                       the topology of this folder, at the distances of its regions
  nearside lab up --rtt measured.csv    round trips that were measured: a line for each pair, us-east,us-west,62.5
  nearside lab up --app-faults --small-disk us-east=1gb       for faults that need them; see nearside lab fault --list

It makes a world of its own, called after the topology with -lab at its end, beside the one of nearside up. It starts
and mends what is missing and leaves alone what runs, so it can be typed again at any time. --rtt, --app-faults and
--small-disk stay in force for every later lab up, until one says --no-rtt or --no-app-faults; a small disk, with the
database in it, until lab down --purge. It needs root.
Exit codes: 0 every region serves, 1 it could not be started, 2 wrong usage, 130 interrupted.`

export function upCommand(lab: Command): void {
  lab
    .command('up')
    .description('start the world of a topology with a wide-area network between its regions')
    .option('--rtt <file>', 'measured round trips, as lines of from,to,rttMs; other pairs by the model')
    .option('--no-rtt', 'by the model again, or as the topology says')
    .option(
      '--app-faults',
      'load into the apps (Node only) what makes them answer 500, leak, or mistake the time',
    )
    .option('--no-app-faults', 'the apps as they are again')
    .option('--small-disk <region=size...>', 'a disk of its own, in memory, for a region’s database')
    .option('--json', 'print the status as JSON when every region serves')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => up(output, options)))
}

async function up(output: Output, options: Options): Promise<number> {
  const interrupt = onInterrupt(output, 'stop')
  try {
    return await start(output, options, interrupt)
  } catch (error) {
    // Whatever could not be done any more, because it was interrupted, is no news.
    if (interrupt.signal.aborted) return exitCodes.interrupted
    throw error
  }
}

async function start(output: Output, options: Options, interrupt: Interrupt): Promise<number> {
  const { signal } = interrupt
  const startedAt = performance.now()
  await mustBeAble()
  const plain = labTopology(await loadTopology(options.topology ?? '.'))
  const folder = folderOf(plain)
  const id = labIdOf(folder)
  const regions = regionsOf(plain.topology)
  const full = regions.filter((region) => region.full).map((region) => region.name)
  const { settings, kept } = settingsOf(
    {
      rttMs: typeof options.rtt === 'string' ? await readRtts(options.rtt, regions) : options.rtt,
      appFaults: options.appFaults,
      smallDisks: parseSmallDisks(options.smallDisk ?? [], full),
    },
    (await readWorld(folder).catch(() => undefined))?.lab,
  )
  const loaded = settings.appFaults ? withAppFaults(plain) : plain
  // Where nothing can be written no network is made either.
  makeFolder(folder, 0o700)
  let fresh = isFresh(id)
  const router = namespaceOf(id, 'router')
  const elsewhere = () => goOnInRouter(id, folder, plain.topology.name, fresh, output, interrupt)
  if (!isInside(router)) return elsewhere()
  printWarnings(output, loaded.warnings)
  if (kept.length > 0) output.note(`As an earlier lab up said: ${list(kept)}`)

  let begun = false
  let started: Started | undefined
  const raise = async () => {
    begun = true
    fresh = isFresh(id)
    signal.throwIfAborted()
    // Another command may have removed it while we waited.
    if (!isInside(router)) return
    const before = fresh ? undefined : await readWorld(folder).catch(() => undefined)
    const lab: LabRecord = { id, ...settings }
    const base = baseLinks(regions, settings.rttMs, loaded.topology.network.rttMs)
    const newDelays = before !== undefined && !isDeepStrictEqual(base, baseOf(before))
    const made = await raiseLab(id, folder, regions, base, newDelays)
    if (made.length > 0) output.note(madeWords(loaded.topology.name, made, fresh))
    if (newDelays) output.note('The delays between the regions are others now; lab status shows them')
    await endStranded(id, folder, regions, output.note)
    for (const [region, bytes] of Object.entries(settings.smallDisks ?? {}))
      await mountSmallDisk(regionFolder(folder, region), bytes)
    signal.throwIfAborted()
    started = await prepare(
      { loaded, lab },
      {
        note: output.note,
        signal,
        healLeft: (world) => healLeftFaults(world, output.note, { starting: true }),
      },
    )
  }
  try {
    await locked(folder, 'lab up', output.note, raise, signal)
    signal.throwIfAborted()
    if (started) await untilUp(started, output, signal, true)
  } catch (error) {
    const mine = fresh && (signal.aborted || !started)
    // Interrupted while it waited for another command's turn: what there is by now may be the other one's.
    const undo = async () => (begun || isFresh(id) ? takeBack(id, folder, output) : undefined)
    if (mine) await locked(folder, 'lab up', output.note, undo)
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
  if (!started) return elsewhere()
  const { world } = started
  output.result(await labStatus(world))
  output.print(renderPlaces(started, (performance.now() - startedAt) / 1000))
  return exitCodes.ok
}

/**
 * Makes the router's namespace if there is none, and goes on there: only from there are the regions reached. Does not
 * leave it behind empty.
 */
async function goOnInRouter(
  id: string,
  folder: string,
  name: string,
  fresh: boolean,
  output: Output,
  interrupt: Interrupt,
): Promise<number> {
  const { signal } = interrupt
  let code: number | undefined
  try {
    signal.throwIfAborted()
    await makeRouterNamespace(id, folder)
    signal.throwIfAborted()
    code = await goInside(namespaceOf(id, 'router'), interrupt)
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    if (fresh && isFresh(id))
      await locked(folder, 'lab up', output.note, async () => void (isFresh(id) && (await removeLab(id))))
  }
  if (code === undefined) output.note(`${name} was not started, and its network is gone again`)
  return code ?? exitCodes.interrupted
}

/** What the network that is there was made with. */
const baseOf = ({ topology, lab }: WorldRecord) =>
  baseLinks(regionsOf(topology), lab?.rttMs, topology.network.rttMs)

/** Everything that this command has made but the data: it was interrupted, or could not go on. */
async function takeBack(id: string, folder: string, output: Output): Promise<void> {
  // Elsewhere its addresses may be a stranger's; and nothing has been started before we are there.
  if (!isInside(namespaceOf(id, 'router'))) return void (await removeLab(id))
  const world = await openWorld(folder).catch(() => undefined)
  if (world?.record.lab) await stopAll(world, output)
  else await removeLab(id)
}

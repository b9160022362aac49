import { isDeepStrictEqual } from 'node:util'
import type { Command } from 'commander'
import { type LabRecord, readWorld, regionFolder, type WorldRecord } from '../../agent/layout.ts'
import { mountSmallDisk, parseSmallDisks } from '../../lab/faults/small-disk.ts'
import { isFresh, raiseLab, removeLab } from '../../lab/lab.ts'
import { baseLinks, readRtts } from '../../lab/links.ts'
import { mustBeAble } from '../../lab/network/abilities.ts'
import { killCutOff } from '../../lab/network/cut-off.ts'
import { makeRouterNamespace } from '../../lab/network/make.ts'
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
  nearside lab up                       link latencies from the region locations
  nearside lab up --rtt measured.csv    measured ones: us-east,us-west,62.5
  nearside lab up --app-faults --small-disk us-east=1gb

Creates a world named after the topology with the suffix -lab, separate from
the one of nearside up. Starts or restores only what is missing, so you can run
it again at any time. --rtt and --app-faults apply to later runs, too, until
--no-rtt or --no-app-faults. A small disk, with the database on it, lasts until
lab down --purge. For faults that need these options, see nearside lab fault
--list. Requires root.
Exit codes: 0 every region serves, 1 could not start, 2 usage error,
130 interrupted.`

export function upCommand(lab: Command): void {
  lab
    .command('up')
    .description('start a lab: a world with a wide-area network')
    .option('--rtt <file>', 'CSV of measured round trips: from,to,rttMs (other pairs: model)')
    .option('--no-rtt', 'use the model or the topology’s round trips again')
    .option('--app-faults', 'prepare apps (Node only) for the faults app-500, app-leak and app-clock')
    .option('--no-app-faults', 'run apps without that preparation again')
    .option('--small-disk <region=size...>', 'put a region’s database on a small disk in memory')
    .option('--json', 'print the status as JSON once every region serves')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => up(output, options)))
}

async function up(output: Output, options: Options): Promise<number> {
  const interrupt = onInterrupt(output, 'stop')
  try {
    return await start(output, options, interrupt)
  } catch (error) {
    // After an interrupt, errors of interrupted steps are of no interest.
    if (interrupt.signal.aborted) return exitCodes.interrupted
    throw error
  }
}

async function start(output: Output, options: Options, interrupt: Interrupt): Promise<number> {
  const { signal } = interrupt
  const startedAt = performance.now()
  await mustBeAble()
  const plain = labTopology(await loadTopology(options.topology ?? '.', { needsGeoip: false }))
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
  // Do not create a network if the folder is not writable.
  makeFolder(folder, 0o700)
  let fresh = isFresh(id)
  const router = namespaceOf(id, 'router')
  const elsewhere = () => goOnInRouter(id, folder, plain.topology.name, fresh, output, interrupt)
  if (!isInside(router)) return elsewhere()
  printWarnings(output, loaded.warnings)
  if (kept.length > 0) output.note(`Options of an earlier lab up that still apply: ${list(kept)}`)

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
    if (newDelays) output.note('The link delays have changed; see nearside lab status')
    await killCutOff(id, folder, regions, output.note)
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
    // If interrupted while waiting for the lock, what exists now may belong to the other command.
    const undo = async () => (begun || isFresh(id) ? takeBack(id, folder, output) : undefined)
    if (mine) await locked(folder, 'lab up', output.note, undo)
    if (!signal.aborted) throw error
    const { name } = loaded.topology
    const goesOn = started && !mine
    output.note(
      goesOn
        ? `${name} continues to start; see \`${hint(started!.world, 'status')}\`, or stop it with \`${hint(started!.world, 'down')}\``
        : `${name} was not started, and its network was removed`,
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
 * Creates the router's namespace if missing and continues inside it, because only the router reaches all regions.
 * Removes a namespace that it leaves empty.
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
  if (code === undefined) output.note(`${name} was not started, and its network was removed`)
  return code ?? exitCodes.interrupted
}

/** The settings that the existing network was created with. */
const baseOf = ({ topology, lab }: WorldRecord) =>
  baseLinks(regionsOf(topology), lab?.rttMs, topology.network.rttMs)

/** Removes everything this command created except data, after an interrupt or a failure. */
async function takeBack(id: string, folder: string, output: Output): Promise<void> {
  // Outside the lab, its addresses may belong to other hosts; and nothing is started before we are inside.
  if (!isInside(namespaceOf(id, 'router'))) return void (await removeLab(id))
  const world = await openWorld(folder).catch(() => undefined)
  if (world?.record.lab) await stopAll(world, output)
  else await removeLab(id)
}

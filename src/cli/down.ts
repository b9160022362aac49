import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import { worldFile } from '../agent/layout.ts'
import { recordCommand } from '../world/events.ts'
import { findWorld, openWorldHere, type WorldOptions } from '../world/find.ts'
import type { WorldHandle } from '../world/handle.ts'
import { localRegions } from '../world/here.ts'
import { locked } from '../world/lock.ts'
import { processesOf } from '../world/processes.ts'
import { leaveNothing } from '../world/remove.ts'
import { placeOf } from '../world/stop.ts'
import { endRehearsals, rehearsalsOf } from './drill/end.ts'
import { dropFaults } from './left-faults.ts'
import { action, exitCodes, type Output } from './output.ts'
import { mayRemove, remove } from './remove.ts'
import { stopShown } from './stop-view.ts'

export type DownOptions = WorldOptions & { purge?: boolean; yes?: boolean; json?: boolean }

const examples = `
Examples:
  nearside down                         stop everything and keep the data
  nearside down --purge                 remove the world too, after confirmation
  nearside down --purge --yes           the same without confirmation

Drills, soaks, injected faults and simulated users end first, as on Ctrl-C, and
heal what they broke. Processes left by a killed agent are stopped as well.
Verifies that no process remains. For a lab, it also removes the network, like
nearside lab down.
Exit codes: 0 stopped, 1 not stopped or not confirmed, 2 usage error.`

export function downCommand(program: Command): void {
  program
    .command('down')
    .description('stop the world on this machine and keep its data')
    .option('--purge', 'also remove the world and all of its data')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<DownOptions>(({ output, options }) => down(output, options, findWorld(options, process.cwd()))),
    )
}

export async function down(output: Output, options: DownOptions, folder: string): Promise<number> {
  const world = await openWorldHere(folder)
  if (options.purge && !(await mayRemove(world, output, options.yes))) {
    output.note('not confirmed: nothing was stopped or removed')
    return exitCodes.problem
  }
  // Before taking the world lock, because healing takes it.
  await endRehearsals(await rehearsalsOf(folder, world.record.lab?.id), output)
  if (!existsSync(worldFile(folder))) {
    output.result({ world: world.name, stopped: true, purged: true })
    output.print(`${world.name} was stopped and removed by the soak that created it`)
    return exitCodes.ok
  }
  const stopped = await locked(folder, 'down', output.note, async () => {
    const stopped = await stopAll(world, output)
    if (options.purge) {
      await remove(world)
      await leaveNothing(folder)
    }
    return stopped
  })
  output.result({ world: world.name, stopped: stopped === true, purged: options.purge === true })
  output.print(downText(world.name, stopped === true, options.purge === true))
  return exitCodes.ok
}

/** Pure. */
export function downText(name: string, stopped: boolean, isPurged: boolean): string {
  if (isPurged) return stopped ? `${name} is stopped and removed` : `${name} is removed; it was not running`
  return stopped ? `${name} is stopped; its data is kept` : `${name} was not running; its data is kept`
}

/** Stops the world and removes a lab's network. False if neither existed. */
export async function stopAll(world: WorldHandle, output: Output): Promise<boolean> {
  const regions = localRegions(world)
  const places = regions.map((region) => placeOf(world, region))
  // A process that a fault keeps stopped would not react to SIGTERM.
  await dropFaults(world, output.note)
  const running = processesOf(world.folder, places).length > 0
  if (running) {
    await recordCommand(
      world,
      'stop',
      regions.map((region) => region.name),
    )
    await stopShown(world, regions, output)
  }
  const { lab } = world.record
  if (!lab) return running
  const { removeLab } = await import('../lab/lab.ts')
  const { removed, ended } = await removeLab(lab.id)
  if (ended.length > 0) output.note(`stopped other processes in the lab: ${ended.join(', ')}`)
  return running || removed
}

import { existsSync } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import { confirm } from './ask.ts'
import { sizeOf } from './disk.ts'
import { bytes, list } from './format.ts'
import { locked, lockFileOf } from './locked.ts'
import { action, exitCodes, type Output } from './output.ts'
import { residentsOf } from './residents.ts'
import { placeOf } from './stop.ts'
import { stopShown } from './stop-view.ts'
import { findWorld, localRegions, openWorld, type WorldHandle, type WorldOptions } from './world.ts'

type Options = WorldOptions & { purge?: boolean; yes?: boolean; json?: boolean }

const examples = `
Examples:
  nearside down                         stop everything, keep the data
  nearside down --purge                 stop everything and remove the world, after asking
  nearside down --purge --yes           without asking

It also stops what an agent that was killed has left running, and verifies that nothing is left.
Exit codes: 0 stopped, 1 not stopped, or the question was answered with no, 2 wrong usage.`

export function downCommand(program: Command): void {
  program
    .command('down')
    .description('stop the world on this machine; its data stays')
    .option('--purge', 'also remove the world with all its data')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => down(output, options)))
}

async function down(output: Output, options: Options): Promise<number> {
  const folder = findWorld(options, process.cwd())
  const world = await openWorld(folder)
  if (options.purge && !(await mayPurge(world, output, options.yes))) {
    output.note('nothing was stopped or removed')
    return exitCodes.problem
  }
  const stopped = await locked(folder, 'down', output, async () => {
    const regions = localRegions(world)
    const before = residentsOf(
      folder,
      regions.map((region) => placeOf(world, region)),
    ).length
    if (before > 0) await stopShown(world, regions, output)
    if (options.purge) await purge(folder)
    return before > 0
  })
  if (options.purge) await leaveNothing(folder)
  const what = stopped ? 'is stopped' : 'was not running'
  output.result({ world: world.name, stopped: stopped === true, purged: options.purge === true })
  output.print(`${world.name} ${what}${options.purge ? ' and removed' : '; its data stays'}`)
  return exitCodes.ok
}

async function mayPurge(world: WorldHandle, output: Output, yes: boolean | undefined): Promise<boolean> {
  const { topology } = world.record
  const full = list(world.regions.filter((region) => region.full).map((region) => region.name))
  output.note(`This stops ${world.name} and removes ${world.folder} (${bytes(await sizeOf(world.folder))}):`)
  output.note(`  the database ${topology.database.name} with everything in it, in ${full}`)
  output.note('  caches, what the agents share, logs and passwords')
  output.note('There is no way back. The topology file and the app stay.')
  return confirm('Remove it?', { yes, what: '--purge' })
}

async function purge(folder: string): Promise<void> {
  try {
    // A file that appears while we remove (a log of something that just ended) must not leave half a world.
    await rm(folder, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 })
  } catch (cause) {
    throw new NearsideError('purge_failed', `${folder}: could not be removed whole`, {
      remedy: `remove it by hand: rm -r ${folder}`,
      cause,
    })
  }
}

async function leaveNothing(folder: string): Promise<void> {
  const above = dirname(folder)
  await rm(lockFileOf(folder), { force: true })
  if (existsSync(above) && (await readdir(above)).length === 0) await rmdir(above).catch(() => undefined)
}

import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import { loadTopology } from '../topology/load.ts'
import { namesLab, type WorldOptions } from '../world/find.ts'
import { hint } from '../world/hint.ts'
import { locked } from '../world/lock.ts'
import { folderOf, prepare, type Started } from '../world/prepare.ts'
import { worldStatus } from '../world/status/collect.ts'
import { onInterrupt } from './interrupt.ts'
import { healLeftFaults } from './left-faults.ts'
import { action, exitCodes, type Output, printWarnings } from './output.ts'
import { stopShown } from './stop-view.ts'
import { watchWorld } from './up/foreground.ts'
import { renderPlaces } from './up/places.ts'
import { untilUp } from './up/wait.ts'

type Options = WorldOptions & { region?: string; detach?: boolean; json?: boolean }

const examples = `
Examples:
  nearside up                           until Ctrl-C, which stops everything
  nearside up --detach                  returns when every region serves
  nearside up --region us-west          only the agent of us-west, on a host of its own

It starts what is missing and leaves alone what runs, so it can be typed again at any time. When the topology file
has changed it says what that means, and gives the regions the new one after another where it can be done.

Exit codes: 0 every region serves (or the world was stopped by Ctrl-C), 1 it could not be started, 2 wrong usage.`

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start the world of a topology on this machine, or what is missing of it')
    .option('-r, --region <name>', 'only this region’s agent')
    .option('-d, --detach', 'return when every region serves; the world goes on')
    .option('--json', 'print the status as JSON when every region serves')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => up(output, options)))
}

async function up(output: Output, options: Options): Promise<number> {
  const startedAt = performance.now()
  refuseLab(options)
  const loaded = await loadTopology(options.topology ?? '.')
  printWarnings(output, loaded.warnings)
  const folder = folderOf(loaded)
  const { signal } = onInterrupt(output, options.detach ? 'leave' : 'stop')
  const started = await locked(
    folder,
    'up',
    output.note,
    () =>
      prepare(
        { loaded, only: options.region },
        {
          note: output.note,
          signal,
          healLeft: (world) => healLeftFaults(world, output.note, { starting: true }),
        },
      ),
    signal,
  )
  if (!started) return exitCodes.interrupted
  try {
    await untilUp(started, output, signal, options.region === undefined)
    output.result(await worldStatus(started.world))
    output.print(renderPlaces(started, (performance.now() - startedAt) / 1000, options.detach === true))
    if (options.detach) return exitCodes.ok
    if ((await watchWorld(started.world, regionNames(started), output, signal)) === 'stopped elsewhere') {
      output.note(`${started.world.name} was stopped by another command`)
      return exitCodes.ok
    }
  } catch (error) {
    if (!signal.aborted) {
      // A world that was there before is not ours to stop because a part of it failed.
      if (!options.detach && started.agents.size === started.regions.length) await stop(started, output)
      throw error
    }
    if (options.detach) {
      const { world } = started
      output.note(`${world.name} goes on starting: ${hint(world, 'status')}, ${hint(world, 'down')}`)
      return exitCodes.interrupted
    }
  }
  await stop(started, output)
  output.note(`${started.world.name} is stopped; its data stays`)
  return exitCodes.ok
}

/** Named with --world: `up` would start another world than the one that is meant. */
function refuseLab(options: Options): void {
  if (options.world === undefined || !namesLab(options, process.cwd())) return
  throw new NearsideError('usage_world_is_lab', `${options.world}: is a lab, which has an up of its own`, {
    remedy: 'nearside lab up',
  })
}

const regionNames = ({ regions }: Started) => regions.map((region) => region.name)

async function stop({ world, regions }: Started, output: Output): Promise<void> {
  await locked(world.folder, 'up', output.note, () => stopShown(world, regions, output))
}

import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import { thisMachine } from '../lib/machine.ts'
import { loadTopology } from '../topology/load.ts'
import { edgeLimitWarnings } from '../world/edge-limits.ts'
import { recordCommand } from '../world/events.ts'
import { namesLab, type WorldOptions } from '../world/find.ts'
import { hint } from '../world/hint.ts'
import { locked, stopOfUp } from '../world/lock.ts'
import { folderOf, prepare, type Started } from '../world/prepare.ts'
import { orNothing } from '../world/remove.ts'
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
  nearside up                           run until Ctrl-C, then stop everything
  nearside up --detach                  return once every region serves
  nearside up --region us-west          start only the agent of this region

Starts only what is missing, so you can run it again at any time. If the
topology file has changed, it shows the effect and rolls the change out region
by region where that is possible.
Stops waiting for an app that exits three times in a row before it is ready, or
that is not ready within app.startSeconds, and prints the end of its log. With
--detach, the rest of the world keeps running and the app is retried.
Exit codes: 0 every region serves (or Ctrl-C stopped the world),
1 could not start, 2 usage error.`

export function upCommand(program: Command): void {
  program
    .command('up')
    .description('start a world, or its missing parts, on this machine')
    .option('-r, --region <name>', 'start only the agent of this region')
    .option('-d, --detach', 'return once every region serves; the world keeps running')
    .option('--json', 'print the status as JSON once every region serves')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => up(output, options)))
}

async function up(output: Output, options: Options): Promise<number> {
  const startedAt = performance.now()
  refuseLab(options)
  const loaded = await loadTopology(options.topology ?? '.', { needsGeoip: false })
  if (options.world !== undefined && options.world !== loaded.topology.name)
    throw new NearsideError(
      'usage_world_unknown',
      `--world: ${loaded.file} makes the world ${loaded.topology.name}, not ${options.world}`,
      { remedy: 'leave --world out, or pass another topology file with --topology' },
    )
  printWarnings(output, [...loaded.warnings, ...edgeLimitWarnings(loaded.topology, thisMachine())])
  const folder = folderOf(loaded)
  const { signal } = onInterrupt(output, options.detach ? 'leave' : 'stop')
  const started = await locked(
    folder,
    'up',
    output.note,
    () =>
      orNothing(folder, () =>
        prepare(
          { loaded, only: options.region },
          {
            note: output.note,
            signal,
            healLeft: (world) => healLeftFaults(world, output.note, { starting: true }),
          },
        ),
      ),
    signal,
  )
  if (!started) return exitCodes.interrupted
  try {
    await untilUp(started, output, signal, options.region === undefined)
    await recordCommand(started.world, 'start', [...started.agents.keys()])
    output.result(await worldStatus(started.world))
    output.print(renderPlaces(started, (performance.now() - startedAt) / 1000, options.detach === true))
    if (options.detach) return exitCodes.ok
    if ((await watchWorld(started.world, regionNames(started), output, signal)) === 'stopped elsewhere') {
      output.note(`${started.world.name} was stopped by another command`)
      return exitCodes.ok
    }
  } catch (error) {
    if (!signal.aborted) {
      // A world that was running before must not be stopped because a part of it failed.
      if (!options.detach && started.agents.size === started.regions.length) await stop(started, output)
      else output.note(`${started.world.name} keeps running; stop it with \`${hint(started.world, 'down')}\``)
      throw error
    }
    if (options.detach) {
      const { world } = started
      output.note(
        `${world.name} continues to start; see \`${hint(world, 'status')}\`, or stop it with \`${hint(world, 'down')}\``,
      )
      return exitCodes.interrupted
    }
  }
  await stop(started, output)
  output.note(`${started.world.name} is stopped; its data is kept`)
  return exitCodes.ok
}

/** A lab named with --world: `up` would start the plain world instead. */
function refuseLab(options: Options): void {
  if (options.world === undefined || !namesLab(options, process.cwd())) return
  throw new NearsideError('usage_world_is_lab', `${options.world}: this is a lab, not a plain world`, {
    remedy: 'use `nearside lab up`',
  })
}

const regionNames = ({ regions }: Pick<Started, 'regions'>) => regions.map((region) => region.name)

async function stop({ world, regions }: Started, output: Output): Promise<void> {
  await recordCommand(world, 'stop', regionNames({ regions }))
  await locked(world.folder, stopOfUp, output.note, () => stopShown(world, regions, output))
}

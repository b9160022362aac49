import type { Command } from 'commander'
import { duration } from '../lib/format.ts'
import { recordCommand } from '../world/events.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed } from '../world/handle.ts'
import { restartAgent, restartProcess } from '../world/restart.ts'
import type { Sample } from '../world/start.ts'
import { action, exitCodes } from './output.ts'
import { createProgress } from './up/progress.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Examples:
  nearside restart us-west app-0        also one that keeps failing, at once
  nearside restart us-west agent        its engines keep running

Exit codes: 0 ready again, 1 not ready, 2 usage error.`

export function restartCommand(program: Command): void {
  program
    .command('restart')
    .description('restart one process of a region, or its agent')
    .argument('<region>', 'region of the process')
    .argument('<process>', 'name as in `nearside status --verbose`, or agent')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        const region = regionNamed(world, args[0]!)
        const name = args[1]!
        const startedAt = performance.now()
        if (name === 'agent') {
          const progress = createProgress(output, { title: `Restarting the agent of ${region.name}` })
          const show = (samples: readonly Sample[]) => progress.show(samples)
          await restartAgent(world, region, output.note, show).finally(() => progress.end())
        } else await restartProcess(world, region, name, output.note)
        await recordCommand(world, 'restart', [region.name], { process: name })
        const seconds = (performance.now() - startedAt) / 1000
        output.result({ region: region.name, process: name, seconds })
        output.print(`${region.name}/${name} is ready again (${duration(seconds)})`)
        return exitCodes.ok
      }),
    )
}

import type { Command } from 'commander'
import { duration } from '../lib/format.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed } from '../world/handle.ts'
import { restartAgent, restartProcess } from '../world/restart.ts'
import { action, exitCodes } from './output.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Examples:
  nearside restart us-west app-0        also what was given up after failing again and again
  nearside restart us-west agent        its engines go on meanwhile

Exit codes: 0 it is ready again, 1 it is not, 2 wrong usage.`

export function restartCommand(program: Command): void {
  program
    .command('restart')
    .description('restart one process of a region, or its agent')
    .argument('<region>', 'where')
    .argument('<process>', 'as nearside status --verbose names it, or agent')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        const region = regionNamed(world, args[0]!)
        const name = args[1]!
        const startedAt = performance.now()
        if (name === 'agent') await restartAgent(world, region, output.note)
        else await restartProcess(world, region, name, output.note)
        const seconds = (performance.now() - startedAt) / 1000
        output.result({ region: region.name, process: name, seconds })
        output.print(`${region.name}/${name} is ready again (${duration(seconds)})`)
        return exitCodes.ok
      }),
    )
}

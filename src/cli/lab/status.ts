import type { Command } from 'commander'
import { openLab } from '../../lab/open.ts'
import { labStatus } from '../../lab/status.ts'
import type { WorldOptions } from '../../world/find.ts'
import { action, exitCodes } from '../output.ts'
import { renderLab } from './render.ts'

const examples = `
Examples:
  nearside lab status
  nearside lab status --json | jq '.links[] | select(.changed)'

DELAY is one way: a round trip takes that of both directions. How the world in it does: nearside status.
Exit codes: 0 its network is up, 1 it is not, 2 wrong usage.`

export function statusCommand(lab: Command): void {
  lab
    .command('status')
    .description('show the links of a lab and what they have carried')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<WorldOptions & { json?: boolean }>(async ({ output, options }) => {
        const { world } = await openLab(options)
        const status = await labStatus(world)
        output.result(status)
        output.print(renderLab(status, output.paint).trimEnd())
        return status.network === 'up' ? exitCodes.ok : exitCodes.problem
      }),
    )
}

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

DELAY is one way; a round trip takes the delay of both directions. For the
world in the lab, see nearside status.
Exit codes: 0 the network is up, 1 it is not, 2 usage error.`

export function statusCommand(lab: Command): void {
  lab
    .command('status')
    .description('show the links of a lab and their traffic')
    .option('--json', 'print JSON')
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

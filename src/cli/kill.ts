import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import { count } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { isHere } from '../world/here.ts'
import { hint } from '../world/hint.ts'
import { killRegions } from '../world/kill.ts'
import type { WorldProcess } from '../world/processes.ts'
import { action, exitCodes, type Output } from './output.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Examples:
  nearside kill us-east                 then look: nearside status, and bring it back: nearside revive us-east
  nearside kill us-east us-west

As a power cut: SIGKILL for every process of the region, its agent first, nothing is closed. Data on disk stays.
Exit codes: 0 nothing of the region runs any more, 1 it could not be killed, 2 wrong usage.`

export function killCommand(program: Command): void {
  program
    .command('kill')
    .description('kill everything in a region of this machine at once, as a power cut would')
    .argument('<region...>', 'which')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        const regions = [...new Set(args)].map((name) => mustBeHere(world, regionNamed(world, name)))
        const killed = await killRegions(world, regions)
        output.result({ world: world.name, killed })
        for (const region of regions)
          output.print(
            sentence(
              region,
              killed.filter((one) => one.region === region.name),
            ),
          )
        nextSteps(output, world, regions)
        return exitCodes.ok
      }),
    )
}

function mustBeHere(world: WorldHandle, region: Region): Region {
  if (isHere(world, region)) return region
  throw new NearsideError(
    'region_elsewhere',
    `${region.name}: ${region.address} is not an address of this machine`,
    { remedy: 'run nearside kill on that host, or cut its power' },
  )
}

function sentence(region: Region, killed: readonly WorldProcess[]): string {
  if (killed.length === 0) return `${region.name}: nothing of it was running`
  const names = [...new Set(killed.map((one) => one.name))].sort()
  return `${region.name}: killed ${count(killed.length, 'process', 'processes')} (${names.join(', ')})`
}

function nextSteps(output: Output, world: WorldHandle, regions: readonly Region[]): void {
  output.print()
  output.print(`  ${hint(world, 'status')}`)
  for (const region of regions) output.print(`  ${hint(world, `revive ${region.name}`)}`)
}

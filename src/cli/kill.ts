import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import { count } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'
import { recordCommand } from '../world/events.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { isHere, localRegions } from '../world/here.ts'
import { hint } from '../world/hint.ts'
import { killRegions } from '../world/kill.ts'
import { isMissing, type Majority, majorityWords } from '../world/majority.ts'
import { majorityNow } from '../world/majority-now.ts'
import type { WorldProcess } from '../world/processes.ts'
import { action, exitCodes, type Output } from './output.ts'

type Options = WorldOptions & { json?: boolean }

const examples = `
Examples:
  nearside kill us-east                 then try: nearside status
  nearside kill us-east us-west

Sends SIGKILL to every process of the region, the agent first, like a power
failure. Data on disk stays. nearside revive starts the region again.
When too few voting regions are left for etcd, nearside up --detach starts all.
Exit codes: 0 no process of the region runs, 1 some could not be killed,
2 usage error.`

export function killCommand(program: Command): void {
  program
    .command('kill')
    .description('kill all processes of a region, like a power failure')
    .argument('<region...>', 'regions to kill')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        const regions = [...new Set(args)].map((name) => regionHere(world, name))
        await recordCommand(
          world,
          'kill',
          regions.map((region) => region.name),
        )
        const killed = await killRegions(world, regions)
        output.result({ world: world.name, killed })
        for (const region of regions)
          output.print(
            sentence(
              region,
              killed.filter((one) => one.region === region.name),
            ),
          )
        nextSteps(output, world, regions, await majorityNow(world))
        return exitCodes.ok
      }),
    )
}

/** An unknown name lists only the regions that this machine can kill. */
function regionHere(world: WorldHandle, name: string): Region {
  const region = world.regions.find((one) => one.name === name)
  if (!region) return regionNamed(world, name, localRegions(world))
  if (isHere(world, region)) return region
  throw new NearsideError(
    'region_elsewhere',
    `${region.name}: ${region.address} is not an address of this machine`,
    { remedy: 'run `nearside kill` on that host, or cut its power' },
  )
}

function sentence(region: Region, killed: readonly WorldProcess[]): string {
  if (killed.length === 0) return `${region.name}: was not running`
  const names = [...new Set(killed.map((one) => one.name))].sort()
  return `${region.name}: killed ${count(killed.length, 'process', 'processes')} (${names.join(', ')})`
}

function nextSteps(output: Output, world: WorldHandle, regions: readonly Region[], majority: Majority): void {
  output.print()
  output.print(`  ${hint(world, 'status')}`)
  // Revived one by one, the first would wait for the others.
  if (isMissing(majority)) {
    output.print(`  ${hint(world, 'up --detach')}`)
    output.print()
    output.print(`${majorityWords(majority)}: start all regions at once.`)
    return
  }
  for (const region of regions) output.print(`  ${hint(world, `revive ${region.name}`)}`)
}

import type { Command } from 'commander'
import { findWorld } from '../agent/layout.ts'
import type { RegionStatus } from '../agent/status.ts'
import { openWorld, regionStatus, type WorldHandle } from './client.ts'

export type WorldStatus = {
  world: string
  domain: string
  regions: (RegionStatus | { region: string; agent: null })[]
}

export async function worldStatus(world: WorldHandle): Promise<WorldStatus> {
  const regions = await Promise.all(
    world.regions.map(
      async (region) => (await regionStatus(world, region, 400)) ?? { region: region.name, agent: null },
    ),
  )
  return { world: world.record.topology.name, domain: world.record.topology.domain, regions }
}

export function renderStatus(status: WorldStatus): string {
  return `${JSON.stringify(status, null, 1)}\n`
}

export function statusCommand(program: Command): void {
  program
    .command('status')
    .description('what the world is like right now')
    .option('-t, --topology <file>', 'topology file of the world')
    .option('--json', 'as JSON')
    .action(async (options: { topology?: string; json?: boolean }) => {
      const status = await worldStatus(await openWorld(findWorld(options.topology, process.cwd())))
      process.stdout.write(options.json ? `${JSON.stringify(status)}\n` : renderStatus(status))
    })
}

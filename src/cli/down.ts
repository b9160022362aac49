import { rm } from 'node:fs/promises'
import type { Command } from 'commander'
import { findWorld } from '../agent/layout.ts'
import { stopWorld } from './agents.ts'
import { openWorld } from './client.ts'

export function downCommand(program: Command): void {
  program
    .command('down')
    .description('stop everything; data stays')
    .option('-t, --topology <file>', 'topology file of the world')
    .option('--purge', 'also remove the world with all its data')
    .option('--yes', 'do not ask')
    .action(async (options: { topology?: string; purge?: boolean }) => {
      const world = await openWorld(findWorld(options.topology, process.cwd()))
      await stopWorld(world, world.regions, (stage) => process.stderr.write(`stopping: ${stage}\n`))
      if (options.purge) await rm(world.folder, { recursive: true, force: true })
    })
}

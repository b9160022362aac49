import { existsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { worldFile } from '../../agent/layout.ts'
import { removeLab } from '../../lab/lab.ts'
import { labIds, worldFolderOf } from '../../lab/network/registry.ts'
import { NearsideError } from '../../lib/errors.ts'
import { canonical, findLab, type WorldOptions } from '../../world/find.ts'
import { locked } from '../../world/lock.ts'
import { type DownOptions, down } from '../down.ts'
import { action, exitCodes, type Output } from '../output.ts'

const examples = `
Examples:
  nearside lab down                     stop the world, keep its data
  nearside lab down --purge             remove the data too, after confirmation

Stops every process in the lab's namespaces and removes its network, including
the remains of a lab up that was killed.
Exit codes: 0 the network is gone, 1 could not stop, 2 usage error.`

export function downCommand(lab: Command): void {
  lab
    .command('down')
    .description('stop a lab, remove its network and keep its data')
    .option('--purge', 'also remove the world and all of its data')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<DownOptions>(async ({ output, options }) => {
        const folder = folderOrRemains(options)
        if (typeof folder === 'string') return down(output, options, folder)
        for (const { id, folder: world } of folder.remains)
          await locked(world, 'lab down', output.note, async () => {
            // Another command may have started it while we waited for the lock.
            if (isRemains(world)) await removeLab(id)
          })
        return answer(output, folder.remains.length)
      }),
    )
}

/** The lab's world, or the network left by an interrupted `lab up` that had not created its world yet. */
function folderOrRemains(options: WorldOptions): string | { remains: { id: string; folder: string }[] } {
  try {
    return findLab(options, process.cwd())
  } catch (error) {
    if (!(error instanceof NearsideError) || error.code !== 'lab_not_found') throw error
    const start = canonical(resolve(options.topology ?? '.'))
    const isFolder = statSync(start, { throwIfNoEntry: false })?.isDirectory() ?? false
    const below = join(isFolder ? start : dirname(start), '.nearside')
    const remains = labIds().flatMap((id) => {
      const folder = worldFolderOf(id)
      return folder !== undefined && dirname(folder) === below && isRemains(folder) ? [{ id, folder }] : []
    })
    if (remains.length === 0) throw error
    return { remains }
  }
}

/** A lab without a world record: it was never started. With a record, `down` stops the world. */
const isRemains = (folder: string) => !existsSync(worldFile(folder))

function answer(output: Output, removed: number): number {
  output.result({ stopped: removed > 0, purged: false })
  output.print('removed the network of a lab that was never started')
  return exitCodes.ok
}

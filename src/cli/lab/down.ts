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
  nearside lab down                     stop the world, remove its network, keep the data
  nearside lab down --purge             remove the data, too, after asking

It ends everything that runs in the lab's namespaces, and cleans up after a lab up that was killed.
Exit codes: 0 nothing of its network is left, 1 it could not be stopped, 2 wrong usage.`

export function downCommand(lab: Command): void {
  lab
    .command('down')
    .description('stop the lab of a topology and remove its network; its data stays')
    .option('--purge', 'also remove the world with all its data')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<DownOptions>(async ({ output, options }) => {
        const folder = folderOrRemains(options)
        if (typeof folder === 'string') return down(output, options, folder)
        for (const { id, folder: world } of folder.remains)
          await locked(world, 'lab down', output.note, async () => {
            // It may have been started while we waited.
            if (isRemains(world)) await removeLab(id)
          })
        return answer(output, folder.remains.length)
      }),
    )
}

/** The lab's world; or, when there is none yet, what an interrupted `lab up` has left of its network. */
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

/** Of a lab that was never started: one that was has a record, and is stopped by that. */
const isRemains = (folder: string) => !existsSync(worldFile(folder))

function answer(output: Output, removed: number): number {
  output.result({ stopped: removed > 0, purged: false })
  output.print('removed the network of a lab that had not been started')
  return exitCodes.ok
}

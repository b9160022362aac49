import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { detect } from '../init/detect.ts'
import { renderTopology } from '../init/render.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { topologyNames } from '../topology/find.ts'
import { loadTopology } from '../topology/load.ts'
import { type Problem, problemText, TopologyError, type TopologyErrorCode } from '../topology/problems.ts'
import { action, type Output, shownPath } from './output.ts'

type Options = { json?: boolean; force?: boolean; folder?: string }

const examples = `
Examples:
  nearside init                              in the folder of your app
  nearside init --folder ../shop --force
  nearside init -- gunicorn shop.wsgi        when nothing in the folder says how the app starts

Exit codes: 0 written, 1 not written, 2 wrong usage.`

const fileName = 'nearside.config.ts'

async function refuseExisting(folder: string, force: boolean): Promise<void> {
  const info = await stat(folder).catch(() => undefined)
  if (!info?.isDirectory())
    throw new NearsideError(
      'init_no_folder',
      `${folder}: expected a folder, found ${info ? 'a file' : 'nothing'}`,
      { remedy: 'name the folder of your app' },
    )
  const names = await readdir(folder).catch((error: unknown) => {
    throw new NearsideError('init_no_folder', `${folder}: cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  })
  const existing = topologyNames.filter((name) => names.includes(name))
  const [other] = existing.filter((name) => name !== fileName)
  if (other !== undefined)
    throw new NearsideError(
      'init_exists',
      `${join(folder, other)} exists, and a second topology file beside it would be ambiguous`,
      { remedy: `remove ${other} first` },
    )
  if (existing.length > 0 && !force)
    throw new NearsideError('init_exists', `${join(folder, fileName)} exists and is left as it is`, {
      remedy: 'write it anew with: nearside init --force',
    })
}

/**
 * Writes aside, checks what was written, then puts it in place in one step: there is never half a file, and without
 * `force` a file that appeared meanwhile is not overwritten either.
 */
async function write(folder: string, content: string, force: boolean): Promise<string> {
  const target = join(folder, fileName)
  const aside = join(folder, `.nearside-${randomBytes(6).toString('hex')}.config.ts`)
  try {
    const handle = await open(aside, 'wx', 0o644)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await loadTopology(aside, { files: false })
    if (force) await rename(aside, target)
    else
      await link(aside, target).catch((error: NodeJS.ErrnoException) => {
        // Not every file system has links.
        if (error.code === 'EPERM' || error.code === 'ENOTSUP' || error.code === 'ENOSYS')
          return copyFile(aside, target, constants.COPYFILE_EXCL)
        throw error
      })
    return target
  } catch (error) {
    if (error instanceof TopologyError)
      throw new TopologyError(error.code as TopologyErrorCode, target, error.problems)
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST'
    throw new NearsideError(
      exists ? 'init_exists' : 'init_not_written',
      `${target}: ${exists ? 'exists and is left as it is' : `cannot be written: ${messageOf(error)}`}`,
      { cause: error },
    )
  } finally {
    await rm(aside, { force: true }).catch(() => {})
  }
}

/** What `nearside check` will say about the new file on this machine. */
async function remaining(
  file: string,
): Promise<{ problems: readonly Problem[]; warnings: readonly Problem[] }> {
  try {
    return { problems: [], warnings: (await loadTopology(file)).warnings }
  } catch (error) {
    if (error instanceof TopologyError) return { problems: error.problems, warnings: [] }
    throw error
  }
}

function section(output: Output, head: string, lines: readonly string[]): void {
  if (lines.length === 0) return
  output.print()
  output.print(output.paint('bold', head))
  for (const line of lines) output.print(`  ${printable(line)}`)
}

export function initCommand(program: Command): void {
  program
    .command('init')
    .description('write a commented nearside.config.ts for the app in this folder')
    .argument('[command...]', 'what starts one instance of the app (default: found in the folder)')
    .option('--folder <folder>', 'the app’s folder', '.')
    .option('--force', 'overwrite an existing nearside.config.ts')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const folder = resolve(options.folder ?? '.')
        await refuseExisting(folder, options.force === true)
        const found = await detect(
          folder,
          args.filter((word) => word !== ''),
        )
        if (!found)
          throw new NearsideError(
            'init_no_command',
            `${folder}: expected something that says how the app starts (package.json, Procfile, Dockerfile, server.js), found nothing`,
            { remedy: 'say it: nearside init -- node server.js' },
          )
        const file = await write(folder, renderTopology(found), options.force === true)
        const { problems, warnings } = await remaining(file)
        const next = [
          ...found.next,
          ...problems.map(
            (problem) => `${problemText(problem)}${problem.remedy ? ` (${problem.remedy})` : ''}`,
          ),
          'replace the example regions and domain, then: nearside check',
          'start the world on this machine: nearside up',
        ]
        output.result({ file, found: found.found, guessed: found.guessed, next, problems, warnings })
        output.print(`Wrote ${printable(shownPath(file))}`)
        section(output, 'Found', found.found)
        section(output, 'Guessed, please check', found.guessed)
        section(output, 'Next', next)
      }),
    )
}

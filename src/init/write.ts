import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { writeAside } from '../lib/files.ts'
import { topologyNames } from '../topology/find.ts'
import { loadTopology } from '../topology/load.ts'
import { TopologyError, type TopologyErrorCode } from '../topology/problems.ts'
import { editorFileState, type Form, topologyFile } from './editor.ts'

/** What `nearside init` writes into the app's folder, without overwriting what is a person's own. */

/** How a file is read depends on its extension only. */
const asideEnding: Record<Form, string> = { typescript: '.config.ts', yaml: '.yaml' }

/** Names in the app's folder. */
async function namesIn(folder: string): Promise<string[]> {
  const info = await stat(folder).catch(() => undefined)
  if (!info?.isDirectory())
    throw new NearsideError(
      'init_no_folder',
      `${folder}: expected a folder, found ${info ? 'a file' : 'nothing'}`,
      { remedy: 'name the folder of your app' },
    )
  return readdir(folder).catch((error: unknown) => {
    throw new NearsideError('init_no_folder', `${folder}: cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  })
}

export async function refuseExisting(folder: string, form: Form, force: boolean): Promise<void> {
  const fileName = topologyFile[form]
  const names = await namesIn(folder)
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
      remedy: `write it anew with: nearside init ${form === 'yaml' ? '--yaml ' : ''}--force`,
    })
}

/** Throws when a person's own file has the name of an editor file. */
export async function refuseOther(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw new NearsideError('init_not_written', `${path}: cannot be read: ${messageOf(error)}`, {
      cause: error,
    })
  })
  if (text !== undefined && editorFileState(text) === 'other')
    throw new NearsideError('init_exists', `${path} exists and was not written by nearside init`, {
      remedy: 'move it away',
    })
}

export async function writeEditorFile(path: string, text: string): Promise<void> {
  await writeAside(path, text, 0o644).catch((error: unknown) => {
    throw new NearsideError('init_not_written', `${path}: cannot be written: ${messageOf(error)}`, {
      cause: error,
    })
  })
}

/**
 * Writes aside, checks what was written, then puts it in place in one step: there is never half a file, and without
 * `force` a file that appeared meanwhile is not overwritten either.
 */
export async function writeTopology(
  folder: string,
  form: Form,
  content: string,
  force: boolean,
): Promise<string> {
  const target = join(folder, topologyFile[form])
  const aside = join(folder, `.nearside-${randomBytes(6).toString('hex')}${asideEnding[form]}`)
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

import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { writeAside } from '../lib/files.ts'
import { refusalOf } from '../lib/refusals.ts'
import { topologyNames } from '../topology/find.ts'
import { loadTopology } from '../topology/load.ts'
import { TopologyError, type TopologyErrorCode } from '../topology/problems.ts'
import { editorFileState, type Form, topologyFile } from './editor.ts'

/** Writes the files of `nearside init` into the app's folder, without overwriting files of the user. */

/** Endings of temporary files. The extension determines how the topology loads. */
const temporaryEnding: Record<Form, string> = { typescript: '.config.ts', yaml: '.yaml' }

/** `path` is the file that the user knows, not the temporary one that the system refused. */
export function refused(
  code: string,
  path: string,
  doing: 'read' | 'written',
  error: unknown,
): NearsideError {
  const refusal = refusalOf(error)
  const why = refusal?.why ?? messageOf(error)
  const elsewhere =
    refusal?.code === 'EROFS'
      ? 'copy the app to a writable folder, and run `nearside init` there'
      : refusal?.remedy
  return new NearsideError(code, `${path}: cannot be ${doing}: ${why}`, {
    remedy: elsewhere ?? 'pass the folder of your app with --folder',
    cause: error,
  })
}

async function namesIn(folder: string): Promise<string[]> {
  const info = await stat(folder).catch(() => undefined)
  if (!info?.isDirectory())
    throw new NearsideError(
      'init_no_folder',
      `${folder}: expected a folder, found ${info ? 'a file' : 'nothing'}`,
      { remedy: 'pass the folder of your app' },
    )
  return readdir(folder).catch((error: unknown) => {
    throw refused('init_no_folder', folder, 'read', error)
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
      `${join(folder, other)} exists, and a second topology file would be ambiguous`,
      { remedy: `remove ${other} first` },
    )
  if (existing.length > 0 && !force)
    throw new NearsideError('init_exists', `${join(folder, fileName)} already exists`, {
      remedy: `run \`nearside init ${form === 'yaml' ? '--yaml ' : ''}--force\` to overwrite it`,
    })
}

/** Throws when a file of the user has the name of an editor file. */
export async function refuseOther(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw refused('init_not_written', path, 'read', error)
  })
  if (text !== undefined && editorFileState(text) === 'other')
    throw new NearsideError('init_exists', `${path} exists and was not written by nearside init`, {
      remedy: 'move or rename it',
    })
}

export async function writeEditorFile(path: string, text: string): Promise<void> {
  await writeAside(path, text, 0o644).catch((error: unknown) => {
    throw refused('init_not_written', path, 'written', error)
  })
}

/**
 * Writes a temporary file, checks it, then moves it into place atomically, so there is never an incomplete file.
 * Without `force`, a file that has appeared in the meantime is not overwritten either.
 */
export async function writeTopology(
  folder: string,
  form: Form,
  content: string,
  force: boolean,
): Promise<string> {
  const target = join(folder, topologyFile[form])
  const temporary = join(folder, `.nearside-${randomBytes(6).toString('hex')}${temporaryEnding[form]}`)
  try {
    const handle = await open(temporary, 'wx', 0o644)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await loadTopology(temporary, { files: false })
    if (force) await rename(temporary, target)
    else
      await link(temporary, target).catch((error: NodeJS.ErrnoException) => {
        // Some file systems have no hard links.
        if (error.code === 'EPERM' || error.code === 'ENOTSUP' || error.code === 'ENOSYS')
          return copyFile(temporary, target, constants.COPYFILE_EXCL)
        throw error
      })
    return target
  } catch (error) {
    if (error instanceof TopologyError)
      throw new TopologyError(error.code as TopologyErrorCode, target, error.problems)
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new NearsideError('init_exists', `${target} already exists`, {
        remedy: 'run the command again',
        cause: error,
      })
    throw refused('init_not_written', target, 'written', error)
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
}

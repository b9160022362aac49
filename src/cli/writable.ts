import { access, constants, lstat, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf, NearsideError } from '../lib/errors.ts'

/**
 * Checks before a run that a requested file can be written. `notThroughLinks`: a process that runs as root must not
 * write through another user's symbolic link (`openPrivately`).
 */
export async function writable(
  option: string,
  path: string,
  { notThroughLinks = false } = {},
): Promise<string> {
  const file = resolve(path)
  const about = await stat(file).catch(() => undefined)
  try {
    if (about?.isDirectory()) throw new Error('it is a folder')
    if (notThroughLinks && (await lstat(file).catch(() => undefined))?.isSymbolicLink())
      throw new Error('it is a symbolic link')
    await access(about ? file : dirname(file), constants.W_OK)
    return file
  } catch (cause) {
    throw new NearsideError('usage_report', `${option}: cannot write ${file}: ${messageOf(cause)}`, {
      remedy: 'pass a file in an existing folder',
      cause,
    })
  }
}

import { access, constants, lstat, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf, NearsideError } from '../lib/errors.ts'

/**
 * Where a file that is asked for will be written: known before a run and not after it. `notThroughLinks`: what is
 * written as root must not go where somebody else has pointed it (`openPrivately`).
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
    throw new NearsideError('usage_report', `${option}: ${file} cannot be written: ${messageOf(cause)}`, {
      remedy: 'name a file in a folder that exists',
      cause,
    })
  }
}

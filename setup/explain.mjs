import { CommandFailure, SetupFailure } from './failure.mjs'
import { cacheDir } from './paths.mjs'

/** Describes any failure of the set-up for a person: what could not be done, why, and the remedy. */

const AGAIN = `If a server could not be reached, check the network and the proxy settings of npm or apt.
Then run the same command again. It continues where it stopped.`

const CACHE = `Engines are installed there: set HOME to a folder of this user, or XDG_CACHE_HOME to another folder.`

const SPACE = `Free some space there; the set-up needs about 2 GB. Or set XDG_CACHE_HOME to a folder on a larger disk.
Then run the same command again.`

/** Errors of the file system that are not bugs, and the remedy for a path in the cache. @type {Record<string, string>} */
const REMEDIES = {
  ...Object.fromEntries(['ENOSPC', 'EDQUOT', 'EFBIG'].map((code) => [code, SPACE])),
  ...Object.fromEntries(
    ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'ENOENT', 'EEXIST', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'EIO'].map(
      (code) => [code, CACHE],
    ),
  ),
}

/** @param {unknown} error @param {NodeJS.ProcessEnv} env */
export function explain(error, env) {
  if (error instanceof SetupFailure)
    return error.remedy ? `${error.message}\n\n${error.remedy}` : error.message
  if (error instanceof CommandFailure) return `this command failed:\n    ${error.message}\n\n${AGAIN}`
  const { code = '', path, message } = /** @type {NodeJS.ErrnoException} */ (error)
  const remedy = REMEDIES[code]
  if (!remedy || path === undefined) return error instanceof Error ? (error.stack ?? message) : String(error)
  const isCache = path.startsWith(cacheDir(env)) || cacheDir(env).startsWith(path)
  return `cannot use ${path} (${message})\n\n${
    isCache || remedy === SPACE ? remedy : 'Let this user write there, then run the same command again.'
  }`
}

/**
 * Runs `work` and gives its errors the path that it works on. Node leaves it out when a write or a close fails, as on a
 * full disk.
 *
 * @template T @param {string} path @param {() => T} work @returns {T}
 */
export function at(path, work) {
  try {
    return work()
  } catch (error) {
    if (error instanceof Error && !('path' in error)) Object.assign(error, { path })
    throw error
  }
}

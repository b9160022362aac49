import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SetupFailure } from './failure.mjs'
import { run } from './run.mjs'

/**
 * Build folders. TARGET is built as TARGET.making-PID and renamed once complete. All of this runs under the set-up's
 * lock, so leftovers of an earlier set-up are safe to remove.
 */

/** The engine root takes 0.7 GB, and mmdebstrap needs as much again for packages during the build. */
const NEEDED_BYTES = 1.8e9

/**
 * Removes all unfinished builds of TARGET. Never fails: a folder that cannot be removed now, because an orphan of a
 * killed set-up still writes there, is removed the next time.
 *
 * @param {string} target
 */
export function removeUnfinished(target) {
  for (const folder of matching(dirname(target), `${basename(target)}.making-`)) remove(folder)
}

/**
 * Where mmdebstrap assembles the system. As root, next to the result. For an ordinary user, the files belong to the
 * user's subordinate ids, which cannot enter a private home folder; /var/tmp is on disk, while /tmp often is not.
 *
 * @param {string} engineRoot @param {boolean} isRoot @param {NodeJS.ProcessEnv} env
 */
export function makeScratch(engineRoot, isRoot, env) {
  if (isRoot) {
    const scratch = `${engineRoot}.making-${process.pid}-scratch`
    mkdirSync(scratch)
    return scratch
  }
  const { folder, prefix } = userScratch(engineRoot, env)
  checkSpace(folder)
  const scratch = mkdtempSync(join(folder, prefix))
  chmodSync(scratch, 0o711)
  return scratch
}

/**
 * Removes this build's scratch folder and those of killed ones; never fails.
 *
 * @param {string} engineRoot @param {boolean} isRoot @param {NodeJS.ProcessEnv} env
 */
export async function removeScratch(engineRoot, isRoot, env) {
  if (isRoot) return removeUnfinished(engineRoot)
  const { folder, prefix } = userScratch(engineRoot, env)
  for (const scratch of matching(folder, prefix)) {
    if (remove(scratch)) continue
    // Leftovers of a killed mmdebstrap belong to the user's subordinate ids, which can remove them in a user namespace
    // if they may write to our folder.
    chmodSync(scratch, 0o777)
    await run(['mmdebstrap', '--unshare-helper', 'rm', '-rf', scratch]).catch(() => {})
    remove(scratch)
  }
}

/** @param {string} engineRoot @param {NodeJS.ProcessEnv} env */
function userScratch(engineRoot, env) {
  const name = createHash('sha256').update(engineRoot).digest('hex').slice(0, 12)
  return { folder: env.TMPDIR || '/var/tmp', prefix: `nearside-engines-${process.getuid?.()}-${name}-` }
}

/** @param {string} folder @param {string} prefix */
function matching(folder, prefix) {
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.startsWith(prefix))
  return names.map((name) => join(folder, name))
}

/** @param {string} folder @returns {boolean} whether it is gone */
function remove(folder) {
  try {
    rmSync(folder, { recursive: true, force: true })
    return true
  } catch {
    return false
  }
}

/** @param {string} folder */
export function checkSpace(folder) {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (free >= NEEDED_BYTES) return
  throw new SetupFailure(
    `${folder}: building the engine root needs ${NEEDED_BYTES / 1e9} GB of disk space, found ${(free / 1e9).toFixed(1)} GB`,
    'Free disk space there, or set XDG_CACHE_HOME and TMPDIR to a larger disk, then run the same command again.',
  )
}

import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SetupFailure } from './failure.mjs'
import { run } from './run.mjs'

/**
 * Folders to build in. Whatever is made for TARGET is made as TARGET.making-PID and renamed when it is complete. All of
 * this runs under the set-up's lock, so what an earlier set-up left there is nobody's work any more.
 */

/** The engine root takes 0.7 GB, and mmdebstrap as much again with the packages while it works. */
const NEEDED_BYTES = 1.8e9

/**
 * Removes every unfinished TARGET. Never fails: what cannot be removed now, because the orphan of a killed set-up still
 * writes there, goes the next time.
 *
 * @param {string} target
 */
export function removeUnfinished(target) {
  for (const folder of matching(dirname(target), `${basename(target)}.making-`)) remove(folder)
}

/**
 * Where mmdebstrap puts the system together. As root that is beside the result. As an ordinary user the files belong
 * to the user's subordinate ids, which cannot enter a private home folder; /var/tmp is on disk, /tmp often is not.
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
    // What a killed mmdebstrap left belongs to the user's subordinate ids. They may remove it from within a user
    // namespace, provided that they may write to our folder.
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

/** @param {string} folder @returns {boolean} is it gone? */
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
    `${folder} has ${(free / 1e9).toFixed(1)} GB free; building the engine root needs ${NEEDED_BYTES / 1e9} GB`,
    'Make room there, or name a larger disk by XDG_CACHE_HOME and TMPDIR, then type the same command again.',
  )
}

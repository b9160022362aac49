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

/** @param {string} target */
export function removeLeftovers(target) {
  if (!existsSync(dirname(target))) return
  for (const name of readdirSync(dirname(target)))
    if (name.startsWith(`${basename(target)}.making-`))
      rmSync(join(dirname(target), name), { recursive: true, force: true })
}

/**
 * Where mmdebstrap puts the system together. As root that is beside the result. As an ordinary user the files belong
 * to the user's subordinate ids, which cannot enter a private home folder; /var/tmp is on disk, /tmp often is not.
 *
 * @param {string} engineRoot @param {boolean} isRoot @param {NodeJS.ProcessEnv} env
 */
export async function makeScratch(engineRoot, isRoot, env) {
  if (isRoot) {
    const scratch = `${engineRoot}.making-${process.pid}-scratch`
    mkdirSync(scratch)
    return scratch
  }
  const base = env.TMPDIR || '/var/tmp'
  const prefix = `nearside-engines-${createHash('sha256').update(engineRoot).digest('hex').slice(0, 12)}-`
  for (const name of readdirSync(base))
    if (name.startsWith(prefix)) await removeScratch(join(base, name), isRoot)
  checkSpace(base)
  const scratch = mkdtempSync(join(base, prefix))
  chmodSync(scratch, 0o711)
  return scratch
}

/** @param {string} scratch @param {boolean} isRoot */
export async function removeScratch(scratch, isRoot) {
  try {
    rmSync(scratch, { recursive: true, force: true })
  } catch (error) {
    if (isRoot) throw error
    // What an interrupted mmdebstrap left belongs to subordinate ids, which only a user namespace may remove. It
    // cannot remove the folder itself, which is the user's.
    await run(['mmdebstrap', '--unshare-helper', 'rm', '-rf', scratch]).catch(() => {})
    rmSync(scratch, { recursive: true, force: true })
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

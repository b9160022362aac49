import { open, readFile, rm, stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'

/** A holder that has not finished by then is not waited for any longer, whatever its process id says. */
const longestHoldMs = 120_000

/**
 * Does the work in one process at a time, by a lock file that names the holder; the others wait until it has
 * `happened`, which spares them the work. Only to save effort: the work itself must stand being done twice, since a
 * holder that died, or takes too long, loses its turn.
 */
export async function takeWorldLock(
  lockFile: string,
  happened: () => Promise<boolean>,
  work: () => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  while (!(await happened())) {
    if (await take(lockFile)) {
      try {
        return await work()
      } finally {
        await rm(lockFile, { force: true })
      }
    }
    if (await isAbandoned(lockFile)) await rm(lockFile, { force: true })
    else await delay(100, undefined, signal ? { signal } : {})
  }
}

async function take(lockFile: string): Promise<boolean> {
  try {
    const file = await open(lockFile, 'wx')
    await file.writeFile(String(process.pid))
    await file.close()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isAbandoned(lockFile: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(lockFile)
    const ageMs = Date.now() - mtimeMs
    const pid = Number(await readFile(lockFile, 'utf8'))
    // Between making the file and writing the number into it there is a moment.
    return ageMs > longestHoldMs || (pid > 0 ? !isAlive(pid) : ageMs > 5000)
  } catch {
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

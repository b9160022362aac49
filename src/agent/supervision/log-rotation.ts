import { copyFile, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Loop } from '../../lib/loop.ts'

const maxBytes = 10 * 1024 * 1024
const kept = 3
const everyMs = 10_000

/**
 * Keeps every log of a region below 10 MB, with three older ones next to it, like logrotate's copytruncate: writers
 * keep their file open for appending, so the content is copied and the file truncated. Lines written between the two
 * steps are lost, which is the price of logs that do not depend on a running agent.
 */
export function rotateLogs(folder: string): Loop {
  const loop = new Loop({
    round: () => rotateOnce(join(folder, 'log'), maxBytes),
    restMs: everyMs,
    onError: () => undefined,
  })
  loop.start(everyMs)
  return loop
}

export async function rotateOnce(folder: string, limitBytes: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.log')) continue
    const file = join(folder, name)
    if ((await stat(file)).size < limitBytes) continue
    await rotate(file).catch(() => undefined)
  }
}

/**
 * Copies under a temporary name first, so the older logs remain if that fails. It fails on a full disk, where space
 * matters more than the lines: then the log is truncated without a copy.
 */
async function rotate(file: string): Promise<void> {
  const temporary = `${file}.new`
  try {
    await copyFile(file, temporary)
    for (let older = kept - 1; older >= 1; older -= 1)
      await rename(`${file}.${older}`, `${file}.${older + 1}`).catch(() => undefined)
    await rename(temporary, `${file}.1`)
  } catch (error) {
    await rm(temporary, { force: true })
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
  await truncate(file, 0)
}

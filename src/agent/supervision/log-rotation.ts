import { copyFile, readdir, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { Loop } from '../../lib/loop.ts'

const largestBytes = 10 * 1024 * 1024
const kept = 3
const everyMs = 10_000

/**
 * Keeps every log of a region below 10 MB, with three older ones beside it. Writers hold their file open for
 * appending and know nothing of this: the content is copied away and the file cut to nothing. What is written between
 * the two is lost; that is the price of a log that survives its reader.
 */
export function rotateLogs(folder: string): Loop {
  const loop = new Loop({
    round: () => rotateOnce(join(folder, 'log'), largestBytes),
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
 * The copy is made aside first: where it fails, the older ones are still there. On a full disk it does fail, and then
 * the space counts more than the lines: the log is cut without a copy.
 */
async function rotate(file: string): Promise<void> {
  const aside = `${file}.new`
  try {
    await copyFile(file, aside)
    for (let older = kept - 1; older >= 1; older -= 1)
      await rename(`${file}.${older}`, `${file}.${older + 1}`).catch(() => undefined)
    await rename(aside, `${file}.1`)
  } catch (error) {
    await rm(aside, { force: true })
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
  await truncate(file, 0)
}

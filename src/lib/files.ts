import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder with those above it that are missing. Node's own `recursive` says "no such file or directory" of what
 * a read-only file system refuses; this says what it was.
 */
export function makeFolder(path: string, mode: number): void {
  try {
    mkdirSync(path, { recursive: true, mode })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    let missing = path
    while (!existsSync(dirname(missing))) missing = dirname(missing)
    mkdirSync(missing, { mode })
    mkdirSync(path, { recursive: true, mode })
  }
}

/**
 * Replaces a file as a whole: written aside, flushed, renamed. A reader sees the old content or the new, a crash or a
 * full disk leaves the old.
 */
export async function writeAside(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = await open(aside, 'wx', mode)
    try {
      await file.writeFile(content)
      // The mode given to open is narrowed by the umask.
      await file.chmod(mode)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true })
    throw error
  }
  // The rename itself is durable once the folder is.
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}

import { randomBytes } from 'node:crypto'
import { constants, existsSync, mkdirSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Makes a folder and its missing parents. Node's own `recursive` reports "no such file or directory" on a read-only
 * file system; this reports the real error.
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
 * Replaces a file atomically: writes a temporary file, flushes it and renames it. A reader sees the old content or the
 * new one; a crash or a full disk leaves the old one.
 */
export async function writeAside(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const aside = `${path}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = await open(aside, 'wx', mode)
    try {
      await file.writeFile(content)
      // The umask narrows the mode given to open.
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
  // The rename is durable only once the folder has been flushed.
  const folder = await open(dirname(path), 'r')
  await folder.sync().finally(() => folder.close())
}

/**
 * Opens an empty file that only its owner can read, even if the file existed and others could read it. Refuses a
 * symbolic link, which could lead a process that runs as root to overwrite another file.
 */
export async function openPrivately(path: string): Promise<FileHandle> {
  const { O_WRONLY, O_CREAT, O_NOFOLLOW } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o600)
  try {
    if ((await file.stat()).isFile()) {
      await file.chmod(0o600)
      await file.truncate(0)
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

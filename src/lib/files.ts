import { randomBytes } from 'node:crypto'
import { constants, existsSync, mkdirSync } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
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

/**
 * A file of its owner's alone, also when it is there already and others could read it; empty. A symbolic link is refused:
 * who writes as root must not be led to another file.
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

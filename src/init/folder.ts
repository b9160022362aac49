import type { Dirent } from 'node:fs'
import { open, readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { isForeignFolder, isOwnName, isOwnText } from './own-files.ts'

/**
 * Access to an app's folder for `nearside init`: reads a bounded amount and ignores what it cannot read. Does not list
 * Nearside's own files and node_modules, so that nothing is taken for evidence about the app.
 */
export type Folder = {
  path: string
  /** Text of a regular file, at most its first `maxBytes`; undefined when there is no such file or it is not text. */
  text(name: string): Promise<string | undefined>
  isFile(name: string): Promise<boolean>
  isFolder(name: string): Promise<boolean>
  /** Names of the folders inside. */
  folders(name?: string): Promise<string[]>
  files(name?: string): Promise<string[]>
}

const maxBytes = 256 * 1024

export function openFolder(path: string): Folder {
  const info = (name: string) => stat(join(path, name)).catch(() => undefined)
  const list = async (name: string, wanted: (entry: Dirent) => boolean) => {
    const entries = await readdir(join(path, name), { withFileTypes: true }).catch(() => [])
    return entries
      .filter(wanted)
      .map((entry) => entry.name)
      .sort()
  }
  return {
    path,
    async text(name) {
      if (isOwnName(basename(name))) return undefined
      // Reading from a pipe might never finish.
      if (!(await info(name))?.isFile()) return undefined
      const handle = await open(join(path, name)).catch(() => undefined)
      if (!handle) return undefined
      try {
        const { buffer, bytesRead } = await handle.read(Buffer.alloc(maxBytes), 0, maxBytes, 0)
        const text = buffer.toString('utf8', 0, bytesRead).replace(/^\ufeff/, '')
        return text.includes('\0') || isOwnText(text) ? undefined : text
      } catch {
        return undefined
      } finally {
        await handle.close()
      }
    },
    isFile: async (name) => (await info(name))?.isFile() ?? false,
    isFolder: async (name) => (await info(name))?.isDirectory() ?? false,
    folders: (name = '.') => list(name, (entry) => entry.isDirectory() && !isForeignFolder(entry.name)),
    files: (name = '.') => list(name, (entry) => entry.isFile() && !isOwnName(entry.name)),
  }
}

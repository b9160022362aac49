import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Bytes on disk below a folder. A file that vanishes during the count is left out. */
export async function sizeOf(path: string): Promise<number> {
  const info = await lstat(path).catch(() => undefined)
  if (!info) return 0
  const own = info.blocks * 512
  if (!info.isDirectory()) return own
  const names = await readdir(path).catch(() => [])
  const below = await Promise.all(names.map((name) => sizeOf(join(path, name))))
  return below.reduce((sum, size) => sum + size, own)
}

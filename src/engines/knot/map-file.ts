import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { type KnotMap, renderMap, renderMark } from './map.ts'

/** Hash of the map's content: equal maps have equal marks. */
export function markOf(map: KnotMap): string {
  const hash = createHash('sha256')
  for (const piece of renderMap(map)) hash.update(piece)
  return hash.digest('hex').slice(0, 16)
}

/** Writes a map with its mark, in chunks: a map can be larger than everything else in an agent's memory. */
export async function writeMapFile(path: string, map: KnotMap, mark: string): Promise<void> {
  await usingFile(path, 'w', async (file) => {
    for (const piece of renderMap(map)) await file.write(piece)
    await file.write(renderMark(map.domain, mark))
    await file.sync()
  })
}

/** The mark in the last line of a map file; undefined when the file is missing or truncated. */
export async function readMark(path: string): Promise<string | undefined> {
  try {
    return await usingFile(path, 'r', async (file) => {
      const end = Buffer.alloc(64)
      const { size } = await file.stat()
      const { bytesRead } = await file.read(end, 0, end.length, Math.max(0, size - end.length))
      return /TXT: "map=([0-9a-z]+)"\n$/.exec(end.toString('latin1', 0, bytesRead))?.[1]
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

async function usingFile<T>(path: string, flags: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, flags, 0o644)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

import { type FileHandle, open } from 'node:fs/promises'

const chunkBytes = 64 * 1024

/**
 * The last lines of a file, read from its end because logs can be long. A missing file has none. `from`: the offset
 * before which nothing is read; ignored when the file has become shorter, which is after a rotation.
 */
export async function tailOf(file: string, lines: number, from = 0): Promise<string[]> {
  let handle: FileHandle
  try {
    handle = await open(file, 'r')
  } catch {
    return []
  }
  try {
    const { lines: whole, rest } = await tail(handle, lines, from)
    return lastOf(rest === '' ? whole : [...whole, rest], lines)
  } finally {
    await handle.close()
  }
}

/**
 * The last complete lines, and the offset after them, from which a follower continues. `rest` is a last line without a
 * newline: still being written, or cut off.
 */
export async function tail(
  file: FileHandle,
  lines: number,
  from = 0,
): Promise<{ lines: string[]; rest: string; offset: number }> {
  const { size } = await file.stat()
  const first = from <= size ? from : 0
  const parts: Buffer[] = []
  let start = size
  let found = 0
  while (start > first && found <= lines) {
    const length = Math.min(chunkBytes, start - first)
    start -= length
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(length), position: start })
    const part = buffer.subarray(0, bytesRead)
    parts.unshift(part)
    for (const byte of part) if (byte === 10) found += 1
  }
  const all = Buffer.concat(parts)
  const end = all.lastIndexOf(10) + 1
  const whole = all.subarray(0, end).toString('utf8').split('\n').slice(0, -1)
  return {
    // The first chunk may begin in the middle of a line.
    lines: lastOf(start > first ? whole.slice(1) : whole, lines),
    rest: all.subarray(end).toString('utf8'),
    offset: start + end,
  }
}

/** Needed because `slice(-0)` returns everything. */
export const lastOf = <T>(all: readonly T[], count: number): T[] => (count === 0 ? [] : all.slice(-count))

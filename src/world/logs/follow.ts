import { type FileHandle, open, stat } from 'node:fs/promises'

/** A line longer than this is shown in pieces, which bounds memory. */
const longestBytes = 1024 * 1024
const chunkBytes = 256 * 1024

/**
 * Reads what is appended to a log after `offset`. Agents rotate by copying a log to `<file>.1` and truncating it while
 * its writer continues: a file that has shrunk was rotated, and its unread part is in the copy.
 */
export class Follower {
  readonly file: string
  #offset: number
  #rest: Buffer = Buffer.alloc(0)

  constructor(file: string, offset: number) {
    this.file = file
    this.#offset = offset
  }

  /** Complete lines appended since the last call. */
  async next(): Promise<string[]> {
    const size = (await stat(this.file).catch(() => undefined))?.size
    if (size === undefined) return []
    const parts: Buffer[] = []
    if (size < this.#offset) {
      const copy = (await stat(`${this.file}.1`).catch(() => undefined))?.size ?? 0
      if (copy > this.#offset) parts.push(await between(`${this.file}.1`, this.#offset, copy))
      this.#offset = 0
    }
    if (size > this.#offset) {
      const part = await between(this.file, this.#offset, size)
      this.#offset += part.length
      parts.push(part)
    }
    return this.#lines(parts)
  }

  #lines(parts: Buffer[]): string[] {
    const all = Buffer.concat([this.#rest, ...parts])
    const end = all.length > longestBytes && all.indexOf(10) === -1 ? all.length : all.lastIndexOf(10) + 1
    this.#rest = Buffer.from(all.subarray(end))
    if (end === 0) return []
    const lines = all.subarray(0, end).toString('utf8').split('\n')
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines
  }
}

/** At most one chunk; the next call continues from there. */
async function between(path: string, from: number, to: number): Promise<Buffer> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch {
    return Buffer.alloc(0)
  }
  try {
    const buffer = Buffer.alloc(Math.min(to - from, path.endsWith('.1') ? to - from : chunkBytes))
    const { bytesRead } = await file.read({ buffer, position: from })
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

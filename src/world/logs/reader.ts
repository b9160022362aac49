import { open, stat } from 'node:fs/promises'
import type { LogFile } from './files.ts'
import { Follower } from './follow.ts'
import { lastOf, tail, tailOf } from './tail.ts'
import { mergeByTime, type Timed, timed } from './time.ts'

export type LogLine = Timed & Pick<LogFile, 'region' | 'process'>

/** Interval between scans for new log files. */
const rescanMs = 1000

/** Reads several logs as one, ordered by time. */
export class LogReader {
  readonly #find: () => LogFile[]
  readonly #followers = new Map<string, Follower>()
  #files: LogFile[]
  #scannedMs = performance.now()

  /** Calls `find` repeatedly while following. */
  constructor(find: () => LogFile[]) {
    this.#find = find
    this.#files = find()
  }

  get files(): readonly LogFile[] {
    return this.#files
  }

  /** The last `count` lines. */
  async last(count: number): Promise<LogLine[]> {
    const read = this.#files.map(async (one) =>
      label(one, timed(await tailBothOf(one.file, count), await changedAt(one.file))),
    )
    return lastOf(mergeByTime(await Promise.all(read)), count)
  }

  /** The last `count` lines; `next` continues after them. */
  async lastBefore(count: number): Promise<LogLine[]> {
    const read = this.#files.map(async (one) => {
      const { lines, offset } = await tailToFollow(one.file, count)
      this.#followers.set(one.file, new Follower(one.file, offset))
      return label(one, timed(lines, await changedAt(one.file)))
    })
    return lastOf(mergeByTime(await Promise.all(read)), count)
  }

  /** Lines since the last call. A log that has appeared meanwhile is new from its first line. */
  async next(): Promise<LogLine[]> {
    const now = performance.now()
    if (now - this.#scannedMs >= rescanMs) {
      this.#scannedMs = now
      this.#files = this.#find()
    }
    const read = this.#files.map(async (one) => {
      const follower = this.#followers.get(one.file) ?? new Follower(one.file, 0)
      this.#followers.set(one.file, follower)
      return label(one, timed(await follower.next(), Date.now()))
    })
    return mergeByTime(await Promise.all(read))
  }
}

const label = ({ region, process }: LogFile, lines: Timed[]): LogLine[] =>
  lines.map((line) => ({ ...line, region, process }))

async function tailToFollow(file: string, lines: number) {
  const handle = await open(file, 'r')
  try {
    return await tail(handle, lines)
  } finally {
    await handle.close()
  }
}

/** Just after a rotation the log is short; the remaining lines are in its copy. */
async function tailBothOf(file: string, lines: number): Promise<string[]> {
  const now = await tailOf(file, lines)
  return now.length < lines ? [...(await tailOf(`${file}.1`, lines - now.length)), ...now] : now
}

const changedAt = async (file: string) => (await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now()

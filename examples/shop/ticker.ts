import { setTimeout as delay } from 'node:timers/promises'

/**
 * One stream of news for any number of listeners. It loads news only while someone waits, and a slow listener misses
 * news instead of queueing them.
 */
export type Ticker<News = unknown> = {
  /** The next news; undefined once the ticker is closed. */
  next(): Promise<News | undefined>
  close(): void
}

export function startTicker<News>(intervalMs: number, load: () => Promise<News>): Ticker<News> {
  const closing = new AbortController()
  let upcoming: Promise<News | undefined> | undefined

  async function wait(): Promise<News | undefined> {
    try {
      await delay(intervalMs, undefined, { signal: closing.signal })
    } catch {
      return undefined
    }
    return load()
  }

  return {
    async next() {
      if (closing.signal.aborted) return undefined
      upcoming ??= wait().finally(() => {
        upcoming = undefined
      })
      return upcoming
    },
    close: () => closing.abort(),
  }
}

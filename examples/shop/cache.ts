import { createClient } from 'redis'

/**
 * Caches values that are expensive to compute. The cache is optional: every failure of Redis is a miss, and no request
 * fails or waits longer than `answerTimeoutMs` because of it.
 */
export type Cache = {
  /** Returns the cached value, or computes and caches it. Concurrent misses compute once. */
  remember<T>(key: string, ttlSeconds: number, compute: () => Promise<T>): Promise<T>
  state(): 'off' | 'up' | 'down'
  close(): Promise<void>
}

const answerTimeoutMs = 100
const longestReconnectMs = 2_000

export function openCache(redisUrl: string | undefined, log: (line: string) => void): Cache {
  const redis = redisUrl === undefined ? undefined : connect(redisUrl, log)
  const computing = new Map<string, Promise<unknown>>()

  async function fetchOrCompute<T>(key: string, ttlSeconds: number, compute: () => Promise<T>): Promise<T> {
    const kept = await redis?.get(key)
    if (kept) {
      try {
        return JSON.parse(kept) as T
      } catch {
        // Invalid: recomputed and overwritten below.
      }
    }
    const value = await compute()
    redis?.set(key, JSON.stringify(value), ttlSeconds)
    return value
  }

  return {
    remember<T>(key: string, ttlSeconds: number, compute: () => Promise<T>): Promise<T> {
      const running = computing.get(key) as Promise<T> | undefined
      if (running) return running
      const started = fetchOrCompute(key, ttlSeconds, compute).finally(() => computing.delete(key))
      computing.set(key, started)
      return started
    },
    state: () => (redis === undefined ? 'off' : redis.isReady() ? 'up' : 'down'),
    close: async () => redis?.close(),
  }
}

function connect(redisUrl: string, log: (line: string) => void) {
  const client = createClient({
    url: redisUrl,
    // Without a connection, commands must fail immediately: a cache must never make a request wait.
    disableOfflineQueue: true,
    socket: {
      connectTimeout: 1_000,
      reconnectStrategy: (retries) => Math.min(100 * 2 ** Math.min(retries, 10), longestReconnectMs),
    },
  })

  let isReported = false
  client.on('error', (error: Error) => {
    if (!isReported) log(`cache: Redis is down, continuing without it (${error.message})`)
    isReported = true
  })
  client.on('ready', () => {
    if (isReported) log('cache: Redis is up again')
    isReported = false
  })
  client.connect().catch(() => {})

  return {
    isReady: () => client.isReady,
    /** The driver's own timeout ends when a command is sent, so a hung Redis would delay the request. */
    async get(key: string): Promise<string | null> {
      const timeout = Promise.withResolvers<null>()
      const timer = setTimeout(timeout.resolve, answerTimeoutMs, null)
      try {
        return await Promise.race([client.get(key), timeout.promise])
      } catch {
        return null
      } finally {
        clearTimeout(timer)
      }
    },
    set(key: string, value: string, ttlSeconds: number): void {
      client.set(key, value, { expiration: { type: 'EX', value: ttlSeconds } }).catch(() => {})
    },
    close: () => client.destroy(),
  }
}

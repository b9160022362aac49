import type { Assets } from '../assets.ts'
import type { Cache } from '../cache.ts'
import type { Database } from '../database/open.ts'
import type { Ticker } from '../ticker.ts'

/** Dependencies of the routes; created in server.ts or by a test. */
export type Services = {
  region: string
  database: Database
  cache: Cache
  assets: Assets
  ticker: Ticker
  /** True once the process has been asked to stop. */
  isStopping: () => boolean
  logError: (error: unknown, what: string) => void
}

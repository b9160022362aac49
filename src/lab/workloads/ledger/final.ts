import type pg from 'pg'
import type { Balances, View } from '../../history.ts'
import type { Endpoints } from './connections.ts'
import { showStatement } from './schema.ts'

type Shown = {
  server: string
  standby: boolean
  lists: [string, string[]][]
  accounts: Balances
  transfers: [string, number][]
}

/** The primary's state, queried through one region after another until one leads to it. */
export async function showPrimary(endpoints: readonly Endpoints[]): Promise<View> {
  let failed: unknown
  for (const { region, write } of endpoints)
    try {
      const shown = await show(write)
      if (shown.standby) throw new Error(`${region.name} led to ${shown.server}, which is not a primary`)
      return viewOf(region.name, 'primary', shown)
    } catch (error) {
      failed = error
    }
  throw failed
}

/** A region's own database. The read endpoint leads elsewhere if that database is down or far behind. */
export async function showReplica({ region, read }: Endpoints): Promise<View> {
  const shown = await show(read)
  if (shown.server !== region.address)
    throw new Error(`its database does not answer; ${shown.server} answered instead`)
  return viewOf(region.name, 'replica', shown)
}

async function show(pool: pg.Pool): Promise<Shown> {
  const { rows } = await pool.query<Shown>(showStatement)
  return rows[0]!
}

const viewOf = (region: string, source: View['source'], shown: Shown): View => ({
  region,
  source,
  lists: shown.lists,
  accounts: shown.accounts,
  transfers: shown.transfers,
})

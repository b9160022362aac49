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

/** What the primary shows, asked through one region after the other until one leads to it. */
export async function showPrimary(endpoints: readonly Endpoints[]): Promise<View> {
  let failed: unknown
  for (const { region, write } of endpoints)
    try {
      const shown = await show(write)
      if (shown.standby) throw new Error(`${region.name} led to ${shown.server}, which is no primary`)
      return viewOf(region.name, 'primary', shown)
    } catch (error) {
      failed = error
    }
  throw failed
}

/** What a region's own database shows. The read endpoint leads elsewhere when that one is down or far behind. */
export async function showReplica({ region, read }: Endpoints): Promise<View> {
  const shown = await show(read)
  if (shown.server !== region.address)
    throw new Error(`its database does not answer; ${shown.server} answered for it`)
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

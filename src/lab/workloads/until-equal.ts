import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import type { FinalState, View } from '../history.ts'

type Databases = {
  /** Reads the primary, through whichever region leads to it. */
  primary: () => Promise<View>
  /** Reads one region's own database; rejects if another one answers instead. */
  replica: (region: string) => Promise<View>
  /** Regions that hold data. */
  regions: readonly string[]
  catchUpMs: number
}

const pollMs = 250

/**
 * Resolves to the state of every database once all are equal, or after `catchUpMs` at the latest; the checker then
 * reports the difference. Finds the primary again each time, because it may have moved.
 */
export async function viewsWhenEqual(databases: Databases): Promise<Pick<FinalState, 'views' | 'absent'>> {
  const giveUpAt = performance.now() + databases.catchUpMs
  for (;;) {
    const [primary, ...replicas] = await Promise.allSettled([
      databases.primary(),
      ...databases.regions.map((region) => databases.replica(region)),
    ])
    const late = performance.now() >= giveUpAt
    if (primary!.status === 'fulfilled') {
      const shown = replicas.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const views = [primary!.value, ...shown]
      const equal = shown.length === databases.regions.length && shown.every((one) => same(one, views[0]!))
      const absent = replicas.flatMap((one, at) =>
        one.status === 'fulfilled'
          ? []
          : [{ region: databases.regions[at]!, source: 'replica' as const, why: messageOf(one.reason) }],
      )
      if (equal || late) return { views, absent }
    } else if (late)
      throw new NearsideError(
        'workload_no_primary',
        `no primary could be read within ${Math.round(databases.catchUpMs / 1000)} s: ${messageOf(primary!.reason)}`,
        { remedy: 'see `nearside status` for the missing region' },
      )
    await sleep(pollMs)
  }
}

const contents = ({ region: _, source: __, ...rest }: View) => JSON.stringify(rest)
const same = (a: View, b: View) => contents(a) === contents(b)

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import type { FinalState, View } from '../history.ts'

type Look = {
  /** Reads the primary, through whichever region leads to it. */
  primary: () => Promise<View>
  /** Reads one region's own database; rejects if another one answers instead. */
  replica: (region: string) => Promise<View>
  /** Regions that hold data. */
  regions: readonly string[]
  catchUpMs: number
}

const betweenLooksMs = 250

/**
 * The state of every database, once all are equal, or after `catchUpMs` in any case, in which case the checker reports
 * the difference. Finds the primary again each time, because it may have moved.
 */
export async function viewsWhenEqual(look: Look): Promise<Pick<FinalState, 'views' | 'absent'>> {
  const giveUpAt = performance.now() + look.catchUpMs
  for (;;) {
    const [primary, ...replicas] = await Promise.allSettled([
      look.primary(),
      ...look.regions.map((region) => look.replica(region)),
    ])
    const late = performance.now() >= giveUpAt
    if (primary!.status === 'fulfilled') {
      const shown = replicas.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
      const views = [primary!.value, ...shown]
      const equal = shown.length === look.regions.length && shown.every((one) => same(one, views[0]!))
      const absent = replicas.flatMap((one, at) =>
        one.status === 'fulfilled'
          ? []
          : [{ region: look.regions[at]!, source: 'replica' as const, why: messageOf(one.reason) }],
      )
      if (equal || late) return { views, absent }
    } else if (late)
      throw new NearsideError(
        'workload_no_primary',
        `no primary could be read within ${Math.round(look.catchUpMs / 1000)} s: ${messageOf(primary!.reason)}`,
        { remedy: 'see `nearside status` for the missing region' },
      )
    await sleep(betweenLooksMs)
  }
}

const contents = ({ region: _, source: __, ...rest }: View) => JSON.stringify(rest)
const same = (a: View, b: View) => contents(a) === contents(b)

import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import type { FinalState, View } from '../history.ts'

type Look = {
  /** The primary, through whichever region leads to it. */
  primary: () => Promise<View>
  /** One region's own database; rejects when another one answers for it. */
  replica: (region: string) => Promise<View>
  /** Regions that hold data. */
  regions: readonly string[]
  catchUpMs: number
}

const betweenLooksMs = 250

/**
 * What every database shows, once all show the same; after `catchUpMs` whatever they show then, which the checker will
 * say. The primary is asked anew each time: it may be another one by now.
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
        `no primary showed what it has within ${Math.round(look.catchUpMs / 1000)} s: ${messageOf(primary!.reason)}`,
        { remedy: '`nearside status` says which region is missing' },
      )
    await sleep(betweenLooksMs)
  }
}

const contents = ({ region: _, source: __, ...rest }: View) => JSON.stringify(rest)
const same = (a: View, b: View) => contents(a) === contents(b)

import type { Damage } from '../../agent/coordination/keys/kind.ts'
import { count } from '../../lib/format.ts'
import type { Problem, RegionReport } from './types.ts'

/** Further ones are counted. */
const namedAtMost = 10

/** Values in etcd that agents skip, as any of them reports. Pure. */
export function damageProblems({ regions }: { regions: readonly RegionReport[] }): Problem[] {
  const all = regions.flatMap((region) => region.world?.damaged ?? [])
  const damaged = [...new Map(all.map((one) => [one.key, one])).values()]
  const further = damaged.length - namedAtMost
  return [
    ...damaged.slice(0, namedAtMost).map(problemOf),
    ...(further > 0
      ? [
          {
            code: 'state_damaged',
            message: `${count(further, 'further key')} in etcd ${further === 1 ? 'is' : 'are'} damaged`,
            remedy: 'run `nearside doctor`, which lists all of them',
          },
        ]
      : []),
  ]
}

/** Whoever owns a value replaces it, and no command may do so for Patroni. */
const problemOf = ({ key, why, until }: Damage): Problem => ({
  code: 'state_damaged',
  message: `${key} in etcd is damaged (${why}) and is skipped${until === undefined ? '' : ` until ${until}`}`,
  ...(key.startsWith('/nearside/') ? { remedy: 'run `nearside doctor --fix`, which removes it' } : {}),
})

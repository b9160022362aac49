import type { KeyValue } from '../../../lib/etcd/wire.ts'
import { claimKind } from './claim.ts'
import { eventKind } from './event.ts'
import { healthKind } from './health.ts'
import { type Damage, type KeyKind, nameIn, type Reading } from './kind.ts'
import { purgeHeadKind, purgeKind } from './purges.ts'
import { releaseKind } from './release.ts'
import { reportKind } from './report.ts'
import { servedKind } from './served.ts'
import { steeringTableKind } from './steering-table.ts'

const kinds: readonly KeyKind<unknown>[] = [
  reportKind,
  healthKind,
  servedKind,
  steeringTableKind,
  claimKind,
  releaseKind,
  purgeHeadKind,
  purgeKind,
  eventKind,
]

/** What is wrong with a key's value; undefined when nothing is, and for keys that this version does not know. */
export function damageOf(kv: KeyValue, root: string): Damage | undefined {
  for (const kind of kinds) {
    const name = nameIn(kind, root, kv.key)
    if (name !== undefined) return damageIn(kind, name, kv.key, kind.read(kv))
  }
  return undefined
}

export function damageIn<T>(
  kind: KeyKind<T>,
  name: string,
  key: string,
  reading: Reading<T>,
): Damage | undefined {
  const why = 'damaged' in reading ? reading.damaged : reading.partly
  if (why === undefined) return undefined
  return { key, why, ...(kind.until ? { until: kind.until(name) } : {}) }
}

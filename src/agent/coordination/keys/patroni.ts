import * as z from 'zod'
import type { SyncRecord } from '../../../failover/durability.ts'
import type { Leader } from '../../../failover/types.ts'
import type { KeyValue } from '../../../lib/etcd/wire.ts'
import { type Damage, parseJsonBy, type Reading } from './kind.ts'

/** The keys of Patroni that agents use, below /service/<scope>/. */
export const patroniKeys = {
  leader: 'leader',
  sync: 'sync',
  initialize: 'initialize',
  failover: 'failover',
} as const

/** Nobody could be asked, woken or revoked by a name that the topology does not have. */
export const readLeader = (
  { value, lease, modRevision }: KeyValue,
  regions: readonly string[],
): Reading<Leader> =>
  regions.includes(value)
    ? { value: { region: value, lease, modRevision } }
    : { damaged: 'expected the name of a region of this world' }

const sync = z.object({
  leader: z.string().nullish(),
  sync_standby: z.string().nullish(),
})

/** A record that does not parse names nobody, so nobody is promoted by it. */
export function readSync({ value }: Pick<KeyValue, 'value'>): Reading<SyncRecord> {
  const read = parseJsonBy(sync, value)
  if ('damaged' in read) return read
  const { leader, sync_standby } = read.value
  const standbys = (sync_standby ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  return { value: { ...(leader ? { leader } : {}), standbys } }
}

const failover = z.object({ leader: z.string().nullish(), member: z.string().nullish() })

/** Whether a pending request of Patroni moves the primary from `leader` to `to`. */
export function isMove({ value }: Pick<KeyValue, 'value'>, leader: string, to: string): boolean {
  const read = parseJsonBy(failover, value)
  return 'value' in read && read.value.leader === leader && read.value.member === to
}

export const encodeMove = (leader: string, member: string): string => JSON.stringify({ leader, member })

/**
 * Whether the leader key is held by nobody: Patroni always writes it under its lease. Every Patroni takes such a key for
 * the lock of somebody else, so the primary steps down and none is elected.
 */
export const isUnheld = ({ lease }: Pick<KeyValue, 'lease'>): boolean => lease === '0'

export const patroniDamage = (key: string, why: string, until = 'Patroni writes it again'): Damage => ({
  key,
  why,
  until,
})

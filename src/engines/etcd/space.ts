import type { Etcd, MemberStatus } from '../../lib/etcd.ts'
import { etcdQuotaBytes } from './render.ts'

/** Space of one member that answered. */
export type MemberSpace = { region: string } & Pick<MemberStatus, 'dbBytes' | 'alarms'>

/** Share of the quota above which the operator is warned, long before writes stop. */
const nearlyFullShare = 0.8

type SpaceState = 'ok' | 'nearly full' | 'full'

/** How full etcd is, according to its fullest member. Pure. */
export function spaceState(
  members: readonly Partial<Omit<MemberSpace, 'region'>>[],
  quotaBytes = etcdQuotaBytes,
): SpaceState {
  if (members.some(({ alarms }) => alarms?.includes('NOSPACE'))) return 'full'
  return members.some(({ dbBytes = 0 }) => dbBytes > nearlyFullShare * quotaBytes) ? 'nearly full' : 'ok'
}

/**
 * Frees the space of an etcd that is (nearly) full: compacts the history, defragments one member after the other, and
 * disarms the alarm, so writes are accepted again. No key changes. `members`: a client for each member.
 */
export async function freeSpace(members: readonly Etcd[]): Promise<void> {
  const first = members[0]
  if (!first) return
  await first.compact((await first.status()).revision)
  for (const member of members) await member.defragment()
  await first.disarm()
}

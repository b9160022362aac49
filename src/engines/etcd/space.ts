import type { Etcd, MemberStatus } from '../../lib/etcd.ts'
import { etcdQuotaBytes } from './render.ts'

/** One member that has answered. */
export type MemberSpace = { region: string } & Pick<MemberStatus, 'dbBytes' | 'alarms'>

/** Of the quota: beyond it somebody should look, long before writes stop. */
const nearlyFullShare = 0.8

type SpaceState = 'ok' | 'nearly full' | 'full'

/** How full etcd is, by the fullest of its members. Pure. */
export function spaceState(
  members: readonly Partial<Omit<MemberSpace, 'region'>>[],
  quotaBytes = etcdQuotaBytes,
): SpaceState {
  if (members.some(({ alarms }) => alarms?.includes('NOSPACE'))) return 'full'
  return members.some(({ dbBytes = 0 }) => dbBytes > nearlyFullShare * quotaBytes) ? 'nearly full' : 'ok'
}

/**
 * Gives an etcd that is full, or will be, its space back: forgets history, makes every member's file small, one
 * member after the other, and lets writes through again. Keys stay as they are. `members`: a client for each member.
 */
export async function freeSpace(members: readonly Etcd[]): Promise<void> {
  const first = members[0]
  if (!first) return
  await first.compact((await first.status()).revision)
  for (const member of members) await member.defragment()
  await first.disarm()
}

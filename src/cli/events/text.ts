import type { Event } from '../../agent/coordination/store.ts'
import { duration, list, milliseconds } from '../../lib/format.ts'
import { printable } from '../../lib/printable.ts'

type Detail = Record<string, unknown>

const words = (value: unknown) => (Array.isArray(value) ? list(value.map(String)) : String(value ?? '?'))
const agreed = (by: unknown) => (Array.isArray(by) && by.length > 0 ? `, agreed by ${words(by)}` : '')

const texts: Record<string, (detail: Detail) => string> = {
  setHealth: ({ region, state, was, by, why }) =>
    why === undefined
      ? `${region} is ${state} (was ${was})${agreed(by)}`
      : `${region} is ${state} (was ${was}): ${why}, but ${words(by)} can reach it`,
  revokeLeader: ({ leader, by }) =>
    `failover: ${(leader as { region?: string } | undefined)?.region ?? '?'} loses the primary because it is unreachable${agreed(by)}`,
  forceFailover: ({ from, to, unresponsiveMs }) =>
    `forced failover: the primary in ${from} has not written anything for ${milliseconds(Number(unresponsiveMs))}; ${to} takes over`,
  replicaReinit: ({ region, from, segment }) =>
    `replica reinit: ${from} no longer has WAL segment ${segment}, which ${region} needs; the replica is copied again`,
  primary: ({ from, to }) => `the primary is now in ${to} (was in ${from})`,
  moveEtcdLeader: ({ from, to }) => `the etcd leader moves from ${from} to ${to}`,
  release: ({ outcome, why }) => `app.release: ${outcome}${why === undefined ? '' : ` (${why})`}`,
  switchover: ({ from, to, seconds, writePauseMs }) =>
    `the primary moved from ${from} to ${to} in ${duration(Number(seconds))}${typeof writePauseMs === 'number' ? `; writes paused for ${milliseconds(writePauseMs)}` : ''}`,
}

/** One decision as a sentence. A kind that this version does not know is shown with all fields except its inputs. */
export function eventText({ kind, detail }: Pick<Event, 'kind' | 'detail'>): string {
  const known = Object.hasOwn(texts, kind) ? texts[kind] : undefined
  if (known) return printable(known(detail))
  const rest = Object.entries(detail).filter(([key]) => key !== 'inputs')
  return printable([kind, ...rest.map(([key, value]) => `${key}=${JSON.stringify(value)}`)].join(' '))
}

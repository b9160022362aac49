import type { Event } from '../../agent/coordination/store.ts'
import { duration, list, milliseconds } from '../../lib/format.ts'
import { printable } from '../../lib/printable.ts'

type Detail = Record<string, unknown>

const words = (value: unknown) => (Array.isArray(value) ? list(value.map(String)) : String(value ?? '?'))
const say = (by: unknown) => (Array.isArray(by) && by.length > 0 ? `, say ${words(by)}` : '')

const texts: Record<string, (detail: Detail) => string> = {
  setFitness: ({ region, state, was, by, why }) =>
    why === undefined
      ? `${region} is ${state}, was ${was}${say(by)}`
      : `${region} is ${state}, was ${was}: ${why}, which ${words(by)} reach`,
  revokeLeader: ({ leader, by }) =>
    `the primary is taken from ${(leader as { region?: string } | undefined)?.region ?? '?'}, so that another region takes over: lost${say(by)}`,
  giveUpPrimary: ({ from, to, silentMs }) =>
    `the primary in ${from} hangs, it has written nothing for ${milliseconds(Number(silentMs))}: ${to} takes over`,
  copyAnew: ({ region, from, segment }) =>
    `the database of ${region} is copied anew: ${from} has no more the WAL that it needs (${segment})`,
  primary: ({ from, to }) => `the primary is in ${to} now, before in ${from}`,
  moveEtcdLeader: ({ from, to }) => `etcd’s leader moves from ${from} to ${to}`,
  release: ({ outcome }) => `app.release: ${outcome}`,
  switchover: ({ from, to, seconds, writePauseMs }) =>
    `the primary moved from ${from} to ${to} in ${duration(Number(seconds))}${typeof writePauseMs === 'number' ? `; writes paused for ${milliseconds(writePauseMs)}` : ''}`,
}

/** One decision in a sentence. A kind that this version does not know is shown with everything but its inputs. */
export function eventText({ kind, detail }: Pick<Event, 'kind' | 'detail'>): string {
  const known = Object.hasOwn(texts, kind) ? texts[kind] : undefined
  if (known) return printable(known(detail))
  const rest = Object.entries(detail).filter(([key]) => key !== 'inputs')
  return printable([kind, ...rest.map(([key, value]) => `${key}=${JSON.stringify(value)}`)].join(' '))
}

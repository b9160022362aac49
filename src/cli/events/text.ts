import { stringify } from 'yaml'
import type { EventKind } from '../../agent/coordination/event-kinds.ts'
import type { Event } from '../../agent/coordination/keys/event.ts'
import { duration, list, milliseconds } from '../../lib/format.ts'
import { printable } from '../../lib/printable.ts'

type Detail = Record<string, unknown>

/** Malformed events and those of other versions are shown anyway, with `?` for each missing value. */
const text = (value: unknown) => (Array.isArray(value) ? list(value.map(String)) : String(value ?? '?'))
const agreed = (by: unknown) => (Array.isArray(by) && by.length > 0 ? `, confirmed by ${text(by)}` : '')
const regionOf = (leader: unknown) => text((leader as { region?: unknown } | null | undefined)?.region)
const ms = (value: unknown) => (typeof value === 'number' ? milliseconds(value) : '?')
const time = (value: unknown) => (typeof value === 'number' ? duration(value) : '?')

const purged = (scope: unknown) => {
  const { kind, path, host } = (scope ?? {}) as Detail
  if (kind === 'path') return `${text(path)}${host === undefined ? '' : ` of ${text(host)}`}`
  return kind === 'all' ? 'everything' : kind === 'pages' ? 'cached pages' : '?'
}

const commands: Readonly<Record<string, string>> = {
  start: 'started',
  stop: 'is stopping',
  kill: 'is killing',
  revive: 'revived',
  restart: 'restarted',
}

const texts: Record<EventKind, (detail: Detail) => string> = {
  setHealth: ({ region, state, was, by, why, first }) =>
    why === undefined
      ? `${text(region)} is ${text(state)}${first === true ? ' for the first time since the start' : ''} (was ${text(was)})${agreed(by)}`
      : `${text(region)} is ${text(state)} (was ${text(was)}): ${text(why)}, but ${text(by)} can reach it`,
  revokeLeader: ({ leader, by }) =>
    `failover: moving the primary away from ${regionOf(leader)} (unreachable${Array.isArray(by) && by.length > 0 ? `; confirmed by ${text(by)}` : ''})`,
  forceFailover: ({ from, to, unresponsiveMs }) =>
    `forced failover: the primary in ${text(from)} has not written anything for ${ms(unresponsiveMs)}; ${text(to)} takes over`,
  replicaReinit: ({ region, from, segment }) =>
    `replica reinit: ${text(from)} no longer has WAL segment ${text(segment)}, which ${text(region)} needs; the replica is copied again`,
  primary: ({ from, to }) => `the primary is now in ${text(to)} (was in ${text(from)})`,
  moveEtcdLeader: ({ from, to }) => `the etcd leader moves from ${text(from)} to ${text(to)}`,
  release: ({ outcome, why }) => `app.release: ${text(outcome)}${why === undefined ? '' : ` (${text(why)})`}`,
  operator: ({ command, regions, process }) =>
    `an operator ${commands[String(command)] ?? text(command)} ${process === undefined ? text(regions) : `${text(process)} in ${text(regions)}`}`,
  rollOut: ({ state, paths, done, why }) =>
    `roll-out ${text(state)}: ${text(paths)}${Array.isArray(done) && done.length > 0 ? `, in ${text(done)}` : ''}${why === undefined ? '' : ` (${text(why)})`}`,
  purge: ({ number, scope, regions, why }) =>
    `cache purge ${text(number)}: ${purged(scope)} in ${regions === undefined ? 'all regions' : text(regions)}${why === undefined ? '' : `, because ${text(why)}`}`,
  switchover: ({ from, to, seconds, writePauseMs }) =>
    `the primary moved from ${text(from)} to ${text(to)} in ${time(seconds)}${typeof writePauseMs === 'number' ? `; writes paused for ${milliseconds(writePauseMs)}` : ''}`,
}

/** The observations behind a decision, as indented lines. */
export function inputLines(inputs: unknown): string {
  const lines = stringify(inputs, { lineWidth: 0 }).trimEnd()
  return lines.replace(/^/gm, '    ')
}

/** One decision as a sentence. A kind that this version does not know is shown with all fields except its inputs. */
export function eventText({ kind, detail }: Pick<Event, 'kind' | 'detail'>): string {
  const known = Object.hasOwn(texts, kind) ? texts[kind as EventKind] : undefined
  if (known) return printable(known(detail))
  const rest = Object.entries(detail).filter(([key]) => key !== 'inputs')
  return printable([kind, ...rest.map(([key, value]) => `${key}=${JSON.stringify(value)}`)].join(' '))
}

import type { NearsideError } from '../../lib/errors.ts'
import { suggest } from '../../lib/suggest.ts'
import type { ClusterFacts, RawFaultArgs } from './facts.ts'
import { noSmallDisk } from './impossible.ts'
import { absent, faultKinds, library } from './library.ts'
import { bitsPerSecond, durationMs, positive, shareOf, usage } from './quantities.ts'
import { type Fault, type FaultKind, longestMs, users } from './types.ts'
import {
  directionOf,
  faultyApp,
  fullRegion,
  link,
  members,
  placeNamed,
  region,
  regionProcess,
  restartable,
} from './words.ts'

export const defaultForMs = 20_000

const optionNames: Record<Exclude<keyof RawFaultArgs, 'words' | 'for'>, string> = {
  from: '--from',
  direction: '--direction',
  delay: '--delay',
  jitter: '--jitter',
  rate: '--rate',
  loss: '--loss',
  members: '--members',
  share: '--share',
  mbPerSecond: '--mb-per-second',
  offset: '--offset',
}

/** An option that would change nothing is a misunderstanding. `heeded`: those that count. Pure. */
export function mustCount(kind: string, heeded: string, typed: RawFaultArgs): void {
  for (const [key, option] of Object.entries(optionNames))
    if (typed[key as keyof typeof optionNames] !== undefined && !heeded.includes(option))
      throw usage('option_unheeded', `${kind}: has no ${option}`, `${kind} ${heeded}`.trim())
}

type Read = (typed: RawFaultArgs, of: ClusterFacts, forMs: number) => Fault

/** Pure. Rejects what is unknown with what was probably meant. */
export function parseFault(kind: string, typed: RawFaultArgs, facts: ClusterFacts): Fault {
  if (!isKind(kind)) throw unknownKind(kind)
  const forMs = typed.for === undefined ? defaultForMs : durationMs('--for', typed.for)
  if (forMs > longestMs || forMs <= 0)
    throw usage(
      'fault_for',
      `--for: expected more than 0 s and up to 60 min, got ${typed.for}`,
      `leave it out for ${defaultForMs / 1000} s`,
    )
  mustCount(kind, library[kind].typed, typed)
  const expected = library[kind].typed.split(' ').filter((word) => /^REGION(\|users)?$|^PROCESS$/.test(word))
  if (typed.words.length !== expected.length)
    throw usage(
      'fault_words',
      `${kind}: expected ${expected.join(' ') || 'nothing more'}, got ${typed.words.join(' ') || 'nothing'}`,
      `nearside lab fault ${kind} ${library[kind].typed}`,
    )
  return readers[kind](typed, facts, forMs)
}

const isKind = (kind: string): kind is FaultKind => Object.hasOwn(library, kind)

export function unknownKind(kind: string): NearsideError {
  const why = Object.hasOwn(absent, kind) ? absent[kind] : undefined
  if (why) return usage('fault_unknown', `fault: there is no ${kind}: ${why}`)
  const meant = suggest(kind, faultKinds)
  return usage(
    'fault_unknown',
    `fault: expected one of ${faultKinds.join(', ')}, got ${JSON.stringify(kind)}`,
    meant ? `did you mean ${meant}?` : 'nearside lab fault --list says what each does',
  )
}

const readers: Record<FaultKind, Read> = {
  'kill-process': (typed, of, forMs) => ({ kind: 'kill-process', ...regionProcess(typed, of), forMs }),
  'pause-process': (typed, of, forMs) => ({ kind: 'pause-process', ...regionProcess(typed, of), forMs }),
  'restart-process': (typed, of) => ({ kind: 'restart-process', ...restartable(typed, of) }),
  'kill-region': (typed, of, forMs) => ({ kind: 'kill-region', region: region(typed, of), forMs }),
  'pause-region': (typed, of, forMs) => ({ kind: 'pause-region', region: region(typed, of), forMs }),
  'restart-region': (typed, of) => ({ kind: 'restart-region', region: region(typed, of) }),
  cut: (typed, of, forMs) => {
    const name = region(typed, of)
    const others = of.regions.map((one) => one.name).filter((other) => other !== name)
    const words = (typed.from ?? '').split(',').filter(Boolean)
    const from = [
      ...new Set(
        words.length === 0
          ? others
          : words.flatMap((word) => (word === 'all' ? [...others, users] : [placeNamed(word, of)])),
      ),
    ]
    if (from.includes(name)) throw usage('fault_same', `cut: ${name} cannot be cut off from itself`)
    return { kind: 'cut', region: name, from, direction: directionOf(typed), forMs }
  },
  'slow-link': (typed, of, forMs) => {
    const fault = {
      kind: 'slow-link' as const,
      ...link(typed, of),
      delayMs: typed.delay === undefined ? 0 : durationMs('--delay', typed.delay),
      jitterMs: typed.jitter === undefined ? 0 : durationMs('--jitter', typed.jitter),
      rateBitsPerSecond: typed.rate === undefined ? 0 : bitsPerSecond('--rate', typed.rate),
      forMs,
    }
    const asked = fault.delayMs + fault.jitterMs + fault.rateBitsPerSecond > 0
    return asked ? fault : { ...fault, delayMs: 100 }
  },
  'lossy-link': (typed, of, forMs) => ({
    kind: 'lossy-link',
    ...link(typed, of),
    lossShare: typed.loss === undefined ? 0.05 : shareOf('--loss', typed.loss),
    forMs,
  }),
  'etcd-quorum': (typed, of, forMs) => ({ kind: 'etcd-quorum', members: members(typed, of), forMs }),
  'disk-full': (typed, of, forMs) => {
    const name = fullRegion('disk-full', typed, of)
    if (of.smallDisks && !of.smallDisks.includes(name)) throw noSmallDisk(name)
    return { kind: 'disk-full', region: name, forMs }
  },
  'replay-paused': (typed, of, forMs) => {
    const name = fullRegion('replay-paused', typed, of)
    if (name === of.primary) {
      const replicas = of.regions.flatMap((one) => (one.full && one.name !== name ? [one.name] : []))
      throw usage(
        'fault_primary',
        `replay-paused: ${name} holds the primary, which replays nothing`,
        replicas.length > 0 ? `name a replica’s region: ${replicas.join(', ')}` : 'this world has no replica',
      )
    }
    return { kind: 'replay-paused', region: name, forMs }
  },
  'app-hang': (typed, of, forMs) => ({ kind: 'app-hang', region: fullRegion('app-hang', typed, of), forMs }),
  'app-500': (typed, of, forMs) => ({
    kind: 'app-500',
    region: faultyApp('app-500', typed, of),
    share: typed.share === undefined ? 1 : shareOf('--share', typed.share),
    forMs,
  }),
  'app-leak': (typed, of, forMs) => ({
    kind: 'app-leak',
    region: faultyApp('app-leak', typed, of),
    mbPerSecond:
      typed.mbPerSecond === undefined ? 20 : positive('--mb-per-second', typed.mbPerSecond, 'MB, such as 20'),
    forMs,
  }),
  'app-clock': (typed, of, forMs) => {
    const name = faultyApp('app-clock', typed, of)
    const text = typed.offset
    if (text === undefined)
      throw usage(
        'fault_offset',
        'app-clock: expected --offset, which says by how much',
        `nearside lab fault app-clock ${name} --offset 30s (or -30s)`,
      )
    const back = text.startsWith('-')
    const ms = durationMs('--offset', back ? text.slice(1) : text)
    return { kind: 'app-clock', region: name, offsetMs: back ? -ms : ms, forMs }
  },
}

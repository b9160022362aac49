import { NearsideError } from '../../lib/errors.ts'
import { suggest } from '../../lib/suggest.ts'
import { absent, faultKinds, library } from './library.ts'
import { type Direction, type Fault, type FaultKind, longestMs, users } from './types.ts'

/** What is known of the world that a fault is meant for. */
export type Situation = {
  regions: readonly { name: string; full: boolean; serves: boolean; votes: boolean }[]
  /** Where the primary is now, if anybody knows. */
  primary?: string | undefined
  /** Names of a region's processes; undefined when its agent does not say. */
  processesOf?: (region: string) => readonly string[] | undefined
}

/** As typed: the words after the kind, and the values of its options. */
export type Typed = {
  words: readonly string[]
  for?: string | undefined
  from?: string | undefined
  direction?: string | undefined
  delay?: string | undefined
  jitter?: string | undefined
  rate?: string | undefined
  loss?: string | undefined
  members?: string | undefined
  share?: string | undefined
  mbPerSecond?: string | undefined
  offset?: string | undefined
}

export const defaultForMs = 20_000

const optionNames: Record<Exclude<keyof Typed, 'words' | 'for'>, string> = {
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
export function mustCount(kind: string, heeded: string, typed: Typed): void {
  for (const [key, option] of Object.entries(optionNames))
    if (typed[key as keyof typeof optionNames] !== undefined && !heeded.includes(option))
      throw usage('option_unheeded', `${kind}: has no ${option}`, `${kind} ${heeded}`.trim())
}

type Read = (typed: Typed, of: Situation, forMs: number) => Fault

/** Pure. Rejects what is unknown with what was probably meant. */
export function parseFault(kind: string, typed: Typed, situation: Situation): Fault {
  if (!isKind(kind)) throw unknownKind(kind)
  const forMs = typed.for === undefined ? defaultForMs : durationMs('--for', typed.for)
  if (forMs > longestMs || forMs <= 0)
    throw usage('fault_for', `--for: expected up to 60 min, got ${typed.for}`)
  mustCount(kind, library[kind].typed, typed)
  const expected = library[kind].typed.split(' ').filter((word) => /^REGION(\|users)?$|^PROCESS$/.test(word))
  if (typed.words.length !== expected.length)
    throw usage(
      'fault_words',
      `${kind}: expected ${expected.join(' ') || 'nothing more'}, got ${typed.words.join(' ') || 'nothing'}`,
      `nearside lab fault ${kind} ${library[kind].typed}`,
    )
  return readers[kind](typed, situation, forMs)
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
  'restart-process': (typed, of) => ({ kind: 'restart-process', ...regionProcess(typed, of) }),
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
  'disk-full': (typed, of, forMs) => ({ kind: 'disk-full', region: fullRegion(typed, of), forMs }),
  'replay-paused': (typed, of, forMs) => {
    const name = fullRegion(typed, of)
    if (name === of.primary)
      throw usage('fault_primary', `replay-paused: ${name} holds the primary, which replays nothing`)
    return { kind: 'replay-paused', region: name, forMs }
  },
  'app-hang': (typed, of, forMs) => ({ kind: 'app-hang', region: fullRegion(typed, of), forMs }),
  'app-500': (typed, of, forMs) => ({
    kind: 'app-500',
    region: fullRegion(typed, of),
    share: typed.share === undefined ? 1 : shareOf('--share', typed.share),
    forMs,
  }),
  'app-leak': (typed, of, forMs) => ({
    kind: 'app-leak',
    region: fullRegion(typed, of),
    mbPerSecond:
      typed.mbPerSecond === undefined ? 20 : positive('--mb-per-second', typed.mbPerSecond, 'MB, such as 20'),
    forMs,
  }),
  'app-clock': (typed, of, forMs) => {
    const text = typed.offset ?? ''
    const back = text.startsWith('-')
    const ms = durationMs('--offset', back ? text.slice(1) : text)
    return { kind: 'app-clock', region: fullRegion(typed, of), offsetMs: back ? -ms : ms, forMs }
  },
}

function region({ words }: Typed, of: Situation): string {
  return named('region', words[0]!, names(of))
}

/** One that has a database and an app. */
const fullRegion = ({ words }: Typed, of: Situation): string =>
  named('region', words[0]!, names({ ...of, regions: of.regions.filter((one) => one.full) }))

function regionProcess(typed: Typed, of: Situation): { region: string; process: string } {
  const name = region(typed, of)
  const process = typed.words[1]!
  const known = of.processesOf?.(name)
  if (known) named('process', process, known)
  return { region: name, process }
}

const names = (of: Situation) => of.regions.map((one) => one.name)
const placeNamed = (word: string, of: Situation) => named('region', word, [...names(of), users])

function link(typed: Typed, of: Situation): { from: string; to: string; direction: Direction } {
  const from = region(typed, of)
  const to = placeNamed(typed.words[1]!, of)
  if (from === to) throw usage('fault_same', `link: ${from} has no link to itself`)
  return { from, to, direction: directionOf(typed) }
}

function directionOf({ direction = 'both' }: Typed): Direction {
  return named('direction', direction, ['both', 'out', 'in']) as Direction
}

/** The fewest whose loss leaves no majority, the primary's own last: what is tested is the vote, not the database. */
function members(typed: Typed, of: Situation): string[] {
  const voters = of.regions.filter((one) => one.votes).map((one) => one.name)
  const needed = Math.ceil(voters.length / 2)
  if (typed.members === undefined)
    return [...voters]
      .sort(
        (a, b) =>
          Number(a === of.primary) - Number(b === of.primary) || voters.indexOf(b) - voters.indexOf(a),
      )
      .slice(0, needed)
      .sort((a, b) => voters.indexOf(a) - voters.indexOf(b))
  const chosen = [...new Set(typed.members.split(',').filter(Boolean))].map((name) =>
    named('region', name, voters),
  )
  if (chosen.length < needed)
    throw usage(
      'fault_majority_left',
      `etcd-quorum: without ${chosen.join(', ')} there is still a majority of ${voters.length} members`,
      `name at least ${needed}`,
    )
  return chosen
}

function named(what: string, word: string, known: readonly string[]): string {
  if (known.includes(word)) return word
  const meant = suggest(word, known)
  throw usage(
    `${what}_unknown`,
    `${what}: expected ${known.join(', ')}, got ${JSON.stringify(word)}`,
    meant === undefined ? undefined : `did you mean ${meant}?`,
  )
}

/** `250ms`, `20s`, `1.5s`, `2min`, `1h`. */
export function durationMs(option: string, text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|min|h)$/.exec(text.trim())
  if (!match)
    throw usage('duration', `${option}: expected a time such as 20s or 80ms, got ${JSON.stringify(text)}`)
  const unit = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 }[match[2] as 'ms']
  return Number(match[1]) * unit
}

/** `5%` or `0.05`. */
export function shareOf(option: string, text: string): number {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)\s*(%?)$/.exec(text.trim())
  const share = match ? Number(match[1]) / (match[2] ? 100 : 1) : Number.NaN
  if (!(share > 0 && share <= 1))
    throw usage('share', `${option}: expected a share such as 5% or 0.05, got ${JSON.stringify(text)}`)
  return share
}

/** `10mbit`, `512kbit`, `1gbit`. */
export function bitsPerSecond(option: string, text: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?)\s*(kbit|mbit|gbit)(?:\/s)?$/i.exec(text.trim())
  if (!match) throw usage('rate', `${option}: expected a rate such as 10mbit, got ${JSON.stringify(text)}`)
  return Number(match[1]) * { kbit: 1e3, mbit: 1e6, gbit: 1e9 }[match[2]!.toLowerCase() as 'kbit']
}

function positive(option: string, text: string, example: string): number {
  const number = Number(text)
  if (!(number > 0 && number <= 10_000))
    throw usage('number', `${option}: expected a number of ${example}, got ${JSON.stringify(text)}`)
  return number
}

const usage = (code: string, message: string, remedy?: string) =>
  new NearsideError(`usage_${code}`, message, remedy === undefined ? {} : { remedy })

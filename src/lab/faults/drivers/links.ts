import { bitsText, shareText } from '../../../lib/format.ts'
import { bitsPerSecond, durationMs, share } from '../../../lib/quantities.ts'
import { delayBounds, rateBounds } from '../../link-change.ts'
import { describePlaces, listOf, region, regionNames, regionOrUsers, users } from '../arguments.ts'
import type { FaultDriver, FaultInput, FaultOption } from '../driver.ts'
import { usage } from '../errors.ts'
import type { FaultValue, Lasting } from '../fault.ts'
import { quantity } from '../options.ts'
import type { FaultRecord } from '../record.ts'
import type { LinkChange } from '../shaping.ts'
import { covers, type Direction, describeLink, directionOption, type OneLink } from './direction.ts'
import { reshaping } from './reshaping.ts'

/** Faults of a lab's network. */
export type LinkFault = Cut | SlowLink | LossyLink
/** `from` contains regions, and `users` for the simulated users. */
type Cut = { kind: 'cut'; region: string; from: readonly string[]; direction: Direction } & Lasting
/** Added to the link's own parameters; 0 adds nothing. */
type SlowLink = { kind: 'slow-link' } & OneLink & {
    delayMs: number
    jitterMs: number
    rateBitsPerSecond: number
  } & Lasting
/** `lossShare` is the share of packets, from 0 to 1. */
type LossyLink = { kind: 'lossy-link' } & OneLink & { lossShare: number } & Lasting

type LinkDriver<F extends LinkFault> = FaultDriver<F> & { change(fault: F): LinkChange }

const fromOption: FaultOption<string[]> = {
  flags: '--from <places>',
  shown: 'REGION[,REGION…]|users|all',
  help: 'from these regions, users or all',
  read: listOf,
}

const cut: LinkDriver<Cut> = {
  words: ['REGION'],
  options: [fromOption, directionOption],
  does: 'drops all packets between the region and others (default: all other regions, both directions)',
  note: 'out: packets from the region do not arrive. in: it receives nothing. users: the simulated users of a lab',
  impairs: ({ region }) => [region],
  parse(input) {
    const { kind, facts, option, forMs } = input
    const name = region(input)
    const others = regionNames(facts).filter((other) => other !== name)
    const asked = option(fromOption)?.flatMap((word) =>
      word === 'all' ? [...others, users] : [regionOrUsers(word, facts)],
    )
    const from = asked === undefined || asked.length === 0 ? others : [...new Set(asked)]
    if (from.includes(name)) throw usage('fault_same', `${kind}: ${name} cannot be cut off from itself`)
    return { kind: 'cut', region: name, from, direction: option(directionOption) ?? 'both', forMs }
  },
  describe: ({ region, from, direction }) =>
    ({
      both: `cut ${region} off from ${describePlaces(from)}`,
      out: `cut ${region} off one way: its packets do not reach ${describePlaces(from)}`,
      in: `cut ${region} off one way: it receives nothing from ${describePlaces(from)}`,
    })[direction],
  describeHealing: ({ region, from }) => `connect ${region} with ${describePlaces(from)} again`,
  ...reshaping<Cut>(
    ({ region, from: others, direction }) =>
      (from, to, params) =>
        others.some((other) => covers({ from: region, to: other, direction }, from, to))
          ? { ...params, cut: true }
          : undefined,
    changesOf,
  ),
}

const delayOption = quantity(
  {
    flags: '--delay <time>',
    shown: '80ms',
    help: 'added one-way delay (default: 100ms)',
  },
  durationMs({ ...delayBounds, example: '80ms' }),
)
const jitterOption = quantity(
  { flags: '--jitter <time>', shown: '10ms', help: 'added jitter' },
  durationMs({ ...delayBounds, example: '10ms' }),
)
const rateOption = quantity(
  { flags: '--rate <rate>', shown: '10mbit', help: 'rate limit, e.g. 10mbit' },
  bitsPerSecond({ ...rateBounds, example: '10mbit' }),
)
const defaultDelayMs = 100

const slowLink: LinkDriver<SlowLink> = {
  words: ['REGION', 'REGION|users'],
  options: [delayOption, jitterOption, rateOption, directionOption],
  does: 'adds delay, jitter and a rate limit to the link',
  parse(input) {
    const { option, forMs } = input
    const link = oneLink(input)
    const delayMs = option(delayOption) ?? 0
    const jitterMs = option(jitterOption) ?? 0
    const rateBitsPerSecond = option(rateOption) ?? 0
    const nothing = delayMs + jitterMs + rateBitsPerSecond === 0
    return {
      kind: 'slow-link',
      ...link,
      delayMs: nothing ? defaultDelayMs : delayMs,
      jitterMs,
      rateBitsPerSecond,
      forMs,
    }
  },
  describe(fault) {
    const parts = [
      ...(fault.delayMs > 0 ? [`${fault.delayMs} ms more delay`] : []),
      ...(fault.jitterMs > 0 ? [`${fault.jitterMs} ms of jitter`] : []),
      ...(fault.rateBitsPerSecond > 0 ? [`at most ${bitsText(fault.rateBitsPerSecond)}`] : []),
    ]
    return `slow the link ${describeLink(fault)}: ${parts.join(', ')}`
  },
  describeHealing: (fault) => `restore the link ${describeLink(fault)}`,
  ...reshaping<SlowLink>(
    (fault) => (from, to, params) =>
      covers(fault, from, to)
        ? {
            ...params,
            delayMs: params.delayMs + fault.delayMs,
            jitterMs: params.jitterMs + fault.jitterMs,
            rateBitsPerSecond: slower(params.rateBitsPerSecond, fault.rateBitsPerSecond),
          }
        : undefined,
    changesOf,
  ),
}

const lossOption = quantity(
  { flags: '--loss <share>', shown: '5%', help: 'packet loss, e.g. 5%' },
  share({ above: 0, example: '5%' }),
)
const defaultLossShare = 0.05

const lossyLink: LinkDriver<LossyLink> = {
  words: ['REGION', 'REGION|users'],
  options: [lossOption, directionOption],
  does: 'drops a share of the packets, each packet independently',
  parse: (input) => ({
    kind: 'lossy-link',
    ...oneLink(input),
    lossShare: input.option(lossOption) ?? defaultLossShare,
    forMs: input.forMs,
  }),
  describe: (fault) => `drop ${shareText(fault.lossShare)} of the packets ${describeLink(fault)}`,
  describeHealing: (fault) => `restore the link ${describeLink(fault)}`,
  ...reshaping<LossyLink>(
    (fault) => (from, to, params) =>
      covers(fault, from, to)
        ? { ...params, lossShare: 1 - (1 - params.lossShare) * (1 - fault.lossShare) }
        : undefined,
    changesOf,
  ),
}

export const linkFaults = { cut, 'slow-link': slowLink, 'lossy-link': lossyLink }

/** The links are a function of their original parameters and all active faults, in the order of injection. Pure. */
export function changesOf(records: readonly Pick<FaultRecord, 'fault'>[]): LinkChange[] {
  const faults = records.map(({ fault }) => fault).filter(isLinkFault)
  return faults.map((fault) => (linkFaults[fault.kind] as LinkDriver<LinkFault>).change(fault))
}

const isLinkFault = (fault: FaultValue): fault is LinkFault => Object.hasOwn(linkFaults, fault.kind)

/** 0 is no limit. */
const slower = (a: number, b: number) => (a === 0 ? b : b === 0 ? a : Math.min(a, b))

function oneLink(input: FaultInput): OneLink {
  const { kind, words, facts, option } = input
  const from = region(input)
  const to = regionOrUsers(words[1]!, facts)
  if (from === to) throw usage('fault_same', `${kind}: ${from} has no link to itself`)
  return { from, to, direction: option(directionOption) ?? 'both' }
}

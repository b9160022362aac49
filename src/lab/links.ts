import { readFile } from 'node:fs/promises'
import { userRttMs } from '../geo/rtt.ts'
import { didYouMean } from '../lib/did-you-mean.ts'
import { NearsideError } from '../lib/errors.ts'
import type { Region } from '../topology/regions.ts'
import { type MeasuredRtts, roundTripMs } from '../topology/round-trips.ts'
import { visitor } from './network/addresses.ts'
import type { Link, LinkParams } from './wan/index.ts'

/** Original settings of the links between a lab's regions. Pure. */

type Place = Pick<Region, 'name' | 'location'>

/** A link with this delay and no other impairment. */
export const lineOf = (delayMs: number): LinkParams => ({
  delayMs,
  jitterMs: 0,
  lossShare: 0,
  rateBitsPerSecond: 0,
  cut: false,
})

/**
 * Links for every pair of regions in both directions: half of the measured round trip, or half of the model's estimate
 * from the coordinates. Both directions get the same half, because a round trip does not tell them apart.
 */
export function baseLinks(
  regions: readonly Place[],
  ...measured: readonly (MeasuredRtts | undefined)[]
): Link[] {
  return regions.flatMap((from) =>
    regions
      .filter((to) => to.name !== from.name)
      .map((to) => ({ from: from.name, to: to.name, params: baseParams(from, to, ...measured) })),
  )
}

/** An earlier source of measured round trips overrides a later one. */
export const baseParams = (
  from: Place,
  to: Place,
  ...measured: readonly (MeasuredRtts | undefined)[]
): LinkParams => lineOf(roundTripMs(from, to, ...measured) / 2)

/** Links between the visitor and every region that serves, as for a user located at the first region. */
export function visitorLinks(regions: readonly (Place & Pick<Region, 'serves'>)[]): Link[] {
  const edges = regions.filter(({ serves }) => serves)
  return edges.flatMap((edge) => {
    const params = lineOf(userRttMs(edges[0]!.location, edge.location) / 2)
    return [
      { from: visitor.place, to: edge.name, params },
      { from: edge.name, to: visitor.place, params },
    ]
  })
}

/** More than 10 s for a round trip means that the units were mixed up. */
const mostMs = 10_000

/** The round trips in a file, for `lab up --rtt`. */
export async function readRtts(
  file: string,
  regions: readonly Pick<Region, 'name'>[],
): Promise<MeasuredRtts> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (cause) {
    throw new NearsideError('lab_rtt_unreadable', `${file}: cannot read it`, {
      remedy: 'expected a file with lines such as us-east,us-west,62.5',
      cause,
    })
  }
  return parseRtts(
    text,
    file,
    regions.map((region) => region.name),
  )
}

/**
 * Parses measured round trips: `from,to,rttMs` per line, with the topology's region names. Skips a header line, empty
 * lines and comments with #. Reports all problems at once. One direction per pair is enough.
 */
export function parseRtts(text: string, file: string, names: readonly string[]): MeasuredRtts {
  const found: Record<string, number> = {}
  const problems: string[] = []
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    const cells = line.split(/[,;\t]/).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
    const [from = '', to = '', rtt = ''] = cells
    if (line.trim() === '' || line.trim().startsWith('#')) continue
    if (i === 0 && !names.includes(from) && Number.isNaN(Number(rtt || 'x'))) continue
    const wrong = (message: string) => problems.push(`line ${i + 1}: ${message}`)
    const stranger = [from, to].find((name) => !names.includes(name))
    const ms = Number(rtt)
    if (cells.length !== 3) wrong(`expected from,to,rttMs, got ${JSON.stringify(line.slice(0, 80))}`)
    else if (stranger !== undefined) {
      const what = didYouMean(stranger, names) ?? `expected ${names.join(', ')}`
      wrong(`${JSON.stringify(stranger)} is not a region of the topology; ${what}`)
    } else if (from === to) wrong(`${from} has no link to itself`)
    else if (rtt === '' || !Number.isFinite(ms) || ms < 0 || ms > mostMs)
      wrong(`expected a round trip from 0 to ${mostMs} ms, got ${JSON.stringify(rtt)}`)
    else if (found[`${from} ${to}`] !== undefined) wrong(`${from},${to} is listed twice`)
    else found[`${from} ${to}`] = ms
  }
  if (problems.length === 0 && Object.keys(found).length === 0) problems.push('no round trips found')
  if (problems.length === 0) return symmetric(found)
  throw new NearsideError('lab_rtt_invalid', [file, ...problems.map((one) => `  ${one}`)].join('\n'), {
    remedy: 'write one line per pair, such as: us-east,us-west,62.5',
  })
}

/** Both directions of a pair measure the same round trip: takes their mean. */
function symmetric(found: Readonly<Record<string, number>>): MeasuredRtts {
  const pairs = Object.entries(found).map(([pair, ms]) => {
    const [from, to] = pair.split(' ')
    return [pair, (ms + (found[`${to} ${from}`] ?? ms)) / 2] as const
  })
  return Object.fromEntries(pairs)
}

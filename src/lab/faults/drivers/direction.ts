import { describePlace, users } from '../arguments.ts'
import type { FaultOption } from '../driver.ts'
import { usage } from '../errors.ts'

/** `out`: packets that the first place sends. `in`: packets that it receives. `both`: all packets. */
export type Direction = 'both' | 'out' | 'in'
export type OneLink = { from: string; to: string; direction: Direction }

export const directionOption: FaultOption<Direction> = {
  flags: '--direction <which>',
  shown: 'both|out|in',
  help: 'both, out or in',
  read(text) {
    if (text === 'both' || text === 'out' || text === 'in') return text
    throw usage(
      'direction_unknown',
      `--direction: expected both, out or in, got ${JSON.stringify(text)}`,
      'out: packets from the region do not arrive; in: it receives nothing',
    )
  },
}

/** Whether the fault affects the shaper's link between two places. Pure. */
export function covers({ from: a, to: b, direction }: OneLink, from: string, to: string): boolean {
  const out = isPlace(from, a) && isPlace(to, b)
  const back = isPlace(from, b) && isPlace(to, a)
  return (out && direction !== 'in') || (back && direction !== 'out')
}

/** Simulated users are in cities. */
const isPlace = (place: string, name: string) => (name === users ? place.startsWith('city:') : place === name)

export const describeLink = ({ from, to, direction }: OneLink) =>
  ({
    both: `between ${from} and ${describePlace(to)}`,
    out: `from ${from} to ${describePlace(to)}`,
    in: `from ${describePlace(to)} to ${from}`,
  })[direction]

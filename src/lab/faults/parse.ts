import { didYouMean } from '../../lib/did-you-mean.ts'
import type { NearsideError } from '../../lib/errors.ts'
import { durationMs, readQuantity } from '../../lib/quantities.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import type { FaultDriver, FaultOption } from './driver.ts'
import { usage } from './errors.ts'
import { type FaultValue, longestMs } from './fault.ts'
import { flagOf, nameOf } from './options.ts'
import { absent, driverOf, type Fault, faultKinds, faultOptions, isFaultKind } from './table.ts'

/** As typed: the words after the kind, and the options. */
type RawFaultArgs = { words: readonly string[]; options?: RawFaultOptions }
/** By name: `for`, `delay`, `mbPerSecond`. Others, which are not about faults, may be among them. */
export type RawFaultOptions = Readonly<Record<string, unknown>>

const defaultForMs = 20_000
const faultTime = durationMs({ above: 0, most: longestMs, example: '20s' })

/** The value of `--for`: how long a fault lasts. Pure. */
export const forMsOf = (options: RawFaultOptions): number =>
  typeof options.for === 'string' ? readQuantity(faultTime, '--for', options.for) : defaultForMs

/** Pure. Refuses what is unknown and suggests what was probably meant. */
export function parseFault(kind: string, { words, options = {} }: RawFaultArgs, facts: ClusterFacts): Fault {
  if (!isFaultKind(kind)) throw unknownKind(kind)
  const driver = driverOf({ kind })
  const typed = usageOf(driver)
  const forMs = forMsOf(options)
  refuseUnheeded(kind, typed, options)
  if (words.length !== driver.words.length)
    throw usage(
      'fault_words',
      `${kind}: expected ${driver.words.join(' ') || 'nothing more'}, got ${words.join(' ') || 'nothing'}`,
      `nearside lab fault ${kind} ${typed}`,
    )
  const option = <T>(wanted: FaultOption<T>) => {
    const text = options[nameOf(wanted)]
    return typeof text === 'string' ? wanted.read(text) : undefined
  }
  return driver.parse({ kind, words, forMs, facts, option }) as Fault
}

/** `REGION REGION|users [--delay 80ms]`: what follows the kind on a command line. Pure. */
export const usageOf = ({ words, options = [] }: FaultDriver<FaultValue>): string =>
  [
    ...words,
    ...options.map((option) => {
      const text = `${flagOf(option)} ${option.shown}`
      return option.required ? text : `[${text}]`
    }),
  ].join(' ')

/** Refuses an option of faults that would change nothing here: it is a misunderstanding. Pure. */
export function refuseUnheeded(name: string, heeded: string, options: RawFaultOptions): void {
  for (const { option } of faultOptions) {
    const flag = flagOf(option)
    if (options[nameOf(option)] !== undefined && !heeded.includes(`${flag} `))
      throw usage('option_unheeded', `${name}: has no ${flag}`, `${name} ${heeded}`.trim())
  }
}

export function unknownKind(kind: string): NearsideError {
  const why = Object.hasOwn(absent, kind) ? absent[kind] : undefined
  if (why) return usage('fault_unknown', `fault: there is no ${kind}: ${why}`)
  return usage(
    'fault_unknown',
    `fault: expected one of ${faultKinds.join(', ')}, got ${JSON.stringify(kind)}`,
    didYouMean(kind, faultKinds) ?? 'nearside lab fault --list describes each kind',
  )
}

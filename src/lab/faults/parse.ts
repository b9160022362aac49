import { didYouMean } from '../../lib/did-you-mean.ts'
import type { NearsideError } from '../../lib/errors.ts'
import { durationMs, readQuantity } from '../../lib/quantities.ts'
import type { ClusterFacts } from './cluster-facts.ts'
import type { FaultDriver, FaultOption } from './driver.ts'
import { usage } from './errors.ts'
import { type FaultValue, longestMs } from './fault.ts'
import { flagOf, nameOf } from './options.ts'
import { absent, driverOf, type Fault, faultKinds, faultOptions, isFaultKind } from './table.ts'

/** Arguments after the kind, and options. */
type RawFaultArgs = { words: readonly string[]; options?: RawFaultOptions }
/** By name: `for`, `delay`, `mbPerSecond`. May contain options unrelated to faults. */
export type RawFaultOptions = Readonly<Record<string, unknown>>

const defaultForMs = 20_000
const faultTime = durationMs({ above: 0, most: longestMs, example: '20s' })

/** The value of `--for`, the duration of a fault. Pure. */
export const forMsOf = (options: RawFaultOptions): number =>
  typeof options.for === 'string' ? readQuantity(faultTime, '--for', options.for) : defaultForMs

/** Parses a fault. Rejects unknown names with a suggestion. Pure. */
export function parseFault(kind: string, { words, options = {} }: RawFaultArgs, facts: ClusterFacts): Fault {
  if (!isFaultKind(kind)) throw unknownKind(kind)
  const driver = driverOf({ kind })
  const typed = usageOf(driver)
  const forMs = forMsOf(options)
  refuseUnheeded(kind, typed, options)
  if (words.length !== driver.words.length)
    throw usage(
      'fault_words',
      `${kind}: expected ${driver.words.join(' ') || 'no arguments'}, got ${words.join(' ') || 'none'}`,
      `nearside lab fault ${kind} ${typed}`,
    )
  const option = <T>(wanted: FaultOption<T>) => {
    const text = options[nameOf(wanted)]
    return typeof text === 'string' ? wanted.read(text) : undefined
  }
  return driver.parse({ kind, words, forMs, facts, option }) as Fault
}

/** The arguments after the kind: `REGION REGION|users [--delay 80ms]`. Pure. */
export const usageOf = ({ words, options = [] }: FaultDriver<FaultValue>): string =>
  [
    ...words,
    ...options.map((option) => {
      const text = `${flagOf(option)} ${option.shown}`
      return option.required ? text : `[${text}]`
    }),
  ].join(' ')

/** Rejects a fault option that has no effect here, because it is probably a mistake. Pure. */
export function refuseUnheeded(name: string, heeded: string, options: RawFaultOptions): void {
  for (const { option } of faultOptions) {
    const flag = flagOf(option)
    if (options[nameOf(option)] !== undefined && !heeded.includes(`${flag} `))
      throw usage('option_unheeded', `${name}: does not support ${flag}`, `${name} ${heeded}`.trim())
  }
}

export function unknownKind(kind: string): NearsideError {
  const why = Object.hasOwn(absent, kind) ? absent[kind] : undefined
  if (why) return usage('fault_unknown', `fault: ${kind} does not exist: ${why}`)
  return usage(
    'fault_unknown',
    `fault: expected one of ${faultKinds.join(', ')}, got ${JSON.stringify(kind)}`,
    didYouMean(kind, faultKinds) ?? 'run `nearside lab fault --list` for a description of each',
  )
}

import { type Quantity, readQuantity } from '../../lib/quantities.ts'
import type { FaultOption } from './driver.ts'

/** An option whose value is a quantity. */
export const quantity = (about: Omit<FaultOption<number>, 'read'>, what: Quantity): FaultOption<number> => ({
  ...about,
  read: (text) => readQuantity(what, flagOf(about), text),
})

/** `--mb-per-second` */
export const flagOf = ({ flags }: Pick<FaultOption<unknown>, 'flags'>) => flags.split(' ')[0]!

/** `mbPerSecond`: the name of the parsed option. */
export const nameOf = (option: Pick<FaultOption<unknown>, 'flags'>) =>
  flagOf(option)
    .slice(2)
    .replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

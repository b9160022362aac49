import { Option } from 'commander'
import { type Quantity, readQuantity, wholeNumber } from '../lib/quantities.ts'

export const lineCount = wholeNumber({ noun: 'number of lines', example: '200' })
export const seedNumber = wholeNumber({ example: '7' })

/** An option whose value is a quantity. Errors contain the option's long name. */
export function quantityOption(flags: string, description: string, quantity: Quantity): Option {
  const option = new Option(flags, description)
  return option.argParser((text) => readQuantity(quantity, option.long ?? flags, text))
}

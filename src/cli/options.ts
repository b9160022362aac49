import { InvalidArgumentError } from 'commander'

/** The value of `--lines`. */
export function lineCount(text: string): number {
  const number = Number(text)
  if (!/^\d{1,9}$/.test(text) || !Number.isSafeInteger(number))
    throw new InvalidArgumentError('expected a number of lines, such as 200')
  return number
}

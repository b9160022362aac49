import { parseArgs } from 'node:util'
import { readQuantity, wholeNumber } from '../src/lib/quantities.ts'
import type { Options } from './figure.ts'

/** The arguments of `npm run bench --`. Pure. */
export type Chosen = Options & {
  names: readonly string[]
  json: boolean
  write: boolean
  help: boolean
}

/** Throws an error that describes the problem. */
export function readArguments(args: readonly string[], known: readonly string[]): Chosen {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const unknown = positionals.filter((name) => name !== 'all' && !known.includes(name))
  if (unknown.length > 0)
    throw new RangeError(`unknown benchmark ${unknown.join(', ')}; expected ${known.join(', ')} or all`)
  const all = positionals.length === 0 || positionals.includes('all')
  return {
    names: all
      ? known
      : known.filter((name) => positionals.some((one) => name === one || name.startsWith(`${one}-`))),
    runs: values.runs === undefined ? undefined : whole('--runs', values.runs, 1),
    seed: whole('--seed', values.seed ?? '1', 0),
    json: values.json,
    write: values.write,
    help: values.help,
  }
}

function whole(what: string, text: string, lowest: number): number {
  return readQuantity(wholeNumber({ least: lowest, example: '3' }), what, text)
}

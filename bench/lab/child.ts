import { writeSync } from 'node:fs'
import { commitCosts } from './commits.ts'
import { replicationLags } from './lags.ts'
import { losses } from './losses.ts'
import type { Said, Say } from './say.ts'
import { visitsInLab } from './visits.ts'

/**
 * What is carried out in a lab: `node child.ts NAME INPUT`. Takes the input and what tells a person how it goes;
 * resolves to plain data. Nothing may be printed but that.
 */
const parts = { losses, replicationLags, commitCosts, visitsInLab }
export type Parts = typeof parts

const tell = (said: Said) => writeSync(1, `${JSON.stringify(said)}\n`)

if (process.argv[1] === import.meta.filename) {
  const [name, input] = process.argv.slice(2)
  process.stdin.resume().once('end', () => process.exit(1))
  const part = parts[name as keyof Parts] as (input: unknown, say: Say) => Promise<unknown>
  tell({ result: await part(JSON.parse(input!), (say) => tell({ say })) })
  process.exit(0)
}

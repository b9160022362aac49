import { writeSync } from 'node:fs'
import { commitCosts } from './commits.ts'
import { replicationLags } from './lags.ts'
import { losses } from './losses.ts'
import type { Said, Say } from './say.ts'
import { visitsInLab } from './visits.ts'

/**
 * The parts of benchmarks that run in a lab: `node child.ts NAME INPUT`. A part takes its input and a function to show
 * progress, and resolves to plain data. Nothing else may be printed.
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

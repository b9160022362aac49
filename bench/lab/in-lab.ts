import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Parts } from './child.ts'
import type { Said, Say } from './say.ts'

const program = join(import.meta.dirname, 'child.ts')

/**
 * Runs a part of a benchmark in a separate process, because it enters its lab's router and a process can be in one lab
 * only. The lab is gone when this resolves or this process exits.
 */
export async function inLab<Name extends keyof Parts>(
  name: Name,
  input: Parameters<Parts[Name]>[0],
  say: Say,
): Promise<Awaited<ReturnType<Parts[Name]>>> {
  const child = spawn(process.execPath, [program, name, JSON.stringify(input)], {
    // It exits at end of input.
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-20_000)
  })
  let result: { result: unknown } | undefined
  createInterface({ input: child.stdout }).on('line', (line) => {
    const said = JSON.parse(line) as Said
    if ('say' in said) say(said.say)
    else result = said
  })
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(signal ?? code))
  })
  if (!result || status !== 0) throw new Error(`${name}: exited with ${status}\n${errors}`)
  return result.result as Awaited<ReturnType<Parts[Name]>>
}

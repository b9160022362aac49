import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { checkCommand } from '../../src/cli/check.ts'
import { initCommand } from '../../src/cli/init.ts'

/** The commands that need no world, as a program of their own; also what runs it for the tests. */
export type Ran = { code: number | null; stdout: string; stderr: string }

export async function nearside(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const code = await new Promise<number | null>((resolve, reject) =>
    child.on('error', reject).on('close', resolve),
  )
  return { code, stdout, stderr }
}

if (import.meta.main) {
  const program = new Command('nearside')
  checkCommand(program)
  initCommand(program)
  await program.parseAsync()
}

import type { Io } from '../../src/cli/output.ts'
import { run } from '../../src/cli/program.ts'
import type { Ran } from './program.ts'

let last: Promise<unknown> = Promise.resolve()

/**
 * Runs the command line in this process, without a terminal: the same as the program (`./program.ts`), and without the
 * time that loading takes. Not for commands that start something, are interrupted, or go into a network.
 */
export function nearside(cwd: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
  // One at a time: a process has one working folder.
  const ran = last.then(() => runIn(cwd, args, env))
  last = ran.catch(() => undefined)
  return ran
}

async function runIn(cwd: string, args: string[], env: Record<string, string>): Promise<Ran> {
  const ran: Ran = { code: 0, stdout: '', stderr: '' }
  const io: Io = {
    stdout: { write: (text) => (ran.stdout += text) },
    stderr: { write: (text) => (ran.stderr += text) },
    env: { PATH: process.env.PATH, ...env },
    setExitCode(code) {
      ran.code = code
    },
  }
  const before = process.cwd()
  process.chdir(cwd)
  try {
    await run(args, io)
  } finally {
    process.chdir(before)
  }
  return ran
}

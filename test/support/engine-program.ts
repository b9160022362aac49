import { spawn } from 'node:child_process'
import { openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { childPid, sandboxCommand } from '../../src/engines/root/sandbox.ts'
import { until } from './sandboxed.ts'

/** A program of the engine root with its own temporary folder. It is killed when the test process ends. */
export type Sandboxed = {
  folder: string
  /** Process id of the program, not of its sandbox. */
  pid: number
  hasExited(): boolean
  output(): string
  /** Kills it and waits until it has exited. The folder remains. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export async function runSandboxed(
  folder: string,
  command: string[],
  /** For engines with sockets in `/run/nearside`, and for several in one folder. */
  options: { runDir?: string; logFile?: string } = {},
): Promise<Sandboxed> {
  const sandbox = sandboxCommand({
    root: locateEngineRoot().path,
    binds: [{ path: folder }],
    ...(options.runDir === undefined ? {} : { runDir: options.runDir }),
    cwd: folder,
    env: {},
    command,
    infoFd: 3,
    lifetime: 'tied',
  })
  const logFile = options.logFile ?? join(folder, 'output.log')
  const log = openSync(logFile, 'a')
  const output = () => readFileSync(logFile, 'utf8')
  const child = spawn(sandbox.file, sandbox.args, { env: sandbox.env, stdio: ['ignore', log, log, 'pipe'] })
  const exited = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve())
    child.once('error', reject)
  })

  // Read to the end: bubblewrap writes in pieces, and closing the pipe early stops it halfway.
  let info = ''
  for await (const chunk of child.stdio[3] as Readable) info += chunk
  const pid = childPid(info)
  if (pid === undefined) throw new Error(`${command[0]} did not start:\n${output()}`)

  const hasExited = () => child.exitCode !== null || child.signalCode !== null
  return {
    folder,
    pid,
    hasExited,
    output,
    async kill(signal = 'SIGKILL') {
      try {
        if (!hasExited()) process.kill(pid, signal)
      } catch {
        // It has already exited, and its sandbox is about to.
      }
      await exited
    },
  }
}

/** Runs a short program of the engine root until it exits. */
export async function runToEnd(folder: string, command: string[]): Promise<void> {
  const program = await runSandboxed(folder, command)
  await until(`${command[0]} to end`, () => program.hasExited())
}

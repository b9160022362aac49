import { spawn } from 'node:child_process'
import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { locateEngineRoot } from '../../src/engines/root/locate.ts'
import { childPid, sandboxCommand } from '../../src/engines/root/sandbox.ts'

/** A program of the engine root with a temporary folder of its own; it dies with the test, however that ends. */
export type Sandboxed = {
  folder: string
  /** Of the program itself, not of its sandbox. */
  pid: number
  hasExited(): boolean
  output(): string
  /** Ends it for good and waits until it is gone; the folder stays. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

const folders = new Set<string>()
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/** Removed at the end of the process, also when it is interrupted. */
export function temporaryFolder(prefix: string): string {
  const folder = mkdtempSync(join(tmpdir(), `nearside-${prefix}-`))
  folders.add(folder)
  return folder
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

  // Read to its end: bubblewrap writes in pieces, and a pipe closed before the last one stops it halfway.
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
        // It has ended by itself; its sandbox is about to.
      }
      await exited
    },
  }
}

/** Runs a short program of the engine root to its end. */
export async function runToEnd(folder: string, command: string[]): Promise<void> {
  const program = await runSandboxed(folder, command)
  await until(`${command[0]} to end`, () => program.hasExited())
}

/** A loopback address of the upper half, where no world lives by default, and a port that is free there. */
export async function freeEndpoint(): Promise<{ host: string; port: number }> {
  const part = (from: number, to: number) => from + Math.floor(Math.random() * (to - from))
  const host = `127.${part(128, 255)}.${part(1, 255)}.${part(1, 255)}`
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return { host, port }
}

/** Waits for a condition, and says which one did not come. An error of the condition counts as "not yet". */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 30_000,
): Promise<Exclude<T, false | null | undefined>> {
  const giveUpAt = performance.now() + deadlineMs
  let last: unknown
  while (performance.now() < giveUpAt) {
    try {
      const value = await condition()
      if (value) return value as Exclude<T, false | null | undefined>
    } catch (error) {
      last = error
    }
    await delay(15)
  }
  throw new Error(`waited ${deadlineMs} ms in vain for ${what}`, { cause: last })
}

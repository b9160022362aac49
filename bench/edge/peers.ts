import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { bringSecondRoot } from '../../setup/second-root.mjs'
import { childPid, sandboxCommand } from '../../src/engines/root/sandbox.ts'

/** What we compare with and what makes the load, in a root of its own. */
const packages = ['nginx', 'wrk']

export const bringPeers = (): Promise<string> => bringSecondRoot('peers', packages)

export type Peer = {
  /** On the host. */
  pid: number
  output(): string
  /** Resolves to its exit status. */
  ended: Promise<number>
  hasEnded(): boolean
  stop(): Promise<void>
}

/**
 * Runs a program of the peers' root on these cores. Unlike our engines it gets process ids of its own, so that the
 * kernel ends its workers with it, however we end.
 */
export async function runPeer(
  root: string,
  folder: string,
  cores: readonly number[],
  command: readonly string[],
): Promise<Peer> {
  mkdirSync(folder, { recursive: true })
  const { file, args, env } = sandboxCommand({
    root,
    binds: [{ path: folder }],
    cwd: folder,
    env: {},
    command: ['taskset', '-c', cores.join(','), ...command],
    infoFd: 3,
    lifetime: 'tied',
  })
  const logFile = join(folder, 'output.log')
  const log = openSync(logFile, 'w')
  const child = spawn(file, ['--unshare-pid', ...args], { env, stdio: ['ignore', log, log, 'pipe'] })
  const ended = new Promise<number>((resolve, reject) => {
    child.once('exit', (code) => resolve(code ?? -1))
    child.once('error', reject)
  })
  let info = ''
  for await (const part of child.stdio[3] as Readable) info += part
  const output = () => readFileSync(logFile, 'utf8')
  const pid = childPid(info)
  if (pid === undefined) throw new Error(`${command[0]} did not start:\n${output()}`)
  return {
    pid,
    output,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

import { spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { installSecondRoot } from '../setup/second-root.mjs'
import { childPid, sandboxCommand } from '../src/engines/root/sandbox.ts'
import { withDescendants } from '../src/lib/proc.ts'

/** Peers and load generators, from Debian like the engines, in separate roots. */
const packages = {
  peers: ['nginx', 'wrk'],
  'dns-peers': ['dnsperf', 'gdnsd', 'pdns-backend-geoip', 'pdns-server'],
}

export type PeersRoot = keyof typeof packages

export const installPeers = (root: PeersRoot): Promise<string> => installSecondRoot(root, packages[root])

/** Versions of the requested packages in such a root: `nginx 1.26.3-3`. */
export async function peerVersions(root: PeersRoot): Promise<string[]> {
  const manifest = join(await installPeers(root), 'manifest.json')
  const { packages: all } = JSON.parse(readFileSync(manifest, 'utf8')) as { packages: Record<string, string> }
  return packages[root].map((name) => `${name} ${all[name]}`)
}

export type Peer = {
  /** Process id on the host. */
  pid: number
  output(): string
  /** Resolves to its exit status. */
  ended: Promise<number>
  hasEnded(): boolean
  /** Sent to the program itself, which may write output before it exits. */
  signal(name: NodeJS.Signals): void
  /** Kills it immediately, with all of its children. */
  stop(): Promise<void>
}

/**
 * Runs a program of the peers' root on these cores. Unlike our engines, it gets its own PID namespace, so that the
 * kernel kills its workers with it, however we exit.
 */
export async function runPeer(
  root: string,
  folder: string,
  cores: readonly number[],
  command: readonly string[],
  /** Further folders that it needs. */
  others: readonly string[] = [],
): Promise<Peer> {
  mkdirSync(folder, { recursive: true })
  const { file, args, env } = sandboxCommand({
    root,
    binds: [folder, ...others].map((path) => ({ path })),
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
    signal(name) {
      // The first process in a PID namespace is bubblewrap's.
      process.kill(withDescendants([pid])[1] ?? pid, name)
    },
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

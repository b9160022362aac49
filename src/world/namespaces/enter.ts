import { existsSync, readlinkSync, rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'

/**
 * Enters network namespaces with util-linux's `nsenter` and `unshare`, which every Debian has. They keep open files.
 */

const folder = '/run/netns'
const fileOf = (namespace: string) => join(folder, namespace)

/** File system magic of namespaces (nsfs). */
const nsfs = 0x6e736673

/** Whether a name leads to a namespace. Where /run survives a reboot, old names lead nowhere. */
export function exists(namespace: string): boolean {
  try {
    return statfsSync(fileOf(namespace)).type === nsfs
  } catch {
    return false
  }
}

/** Removes a name that leads nowhere, which would block a new namespace of that name. */
export function forgetStale(namespace: string): void {
  if (!exists(namespace)) rmSync(fileOf(namespace), { force: true })
}

/** The inode number of a namespace; undefined when it is gone. */
export function numberOf(namespace: string): number | undefined {
  return exists(namespace) ? statSync(fileOf(namespace), { throwIfNoEntry: false })?.ino : undefined
}
export function numberOfProcess(pid: number | 'self'): number | undefined {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1])
  } catch {
    return undefined
  }
}

export const isInside = (namespace: string) => {
  const number = numberOf(namespace)
  return number !== undefined && number === numberOfProcess('self')
}

/**
 * Command prefix that runs a command in a network namespace. Files, process ids and mounts stay those of the host;
 * `ip netns exec` would also change the mounts.
 */
export const insideOf = (namespace: string): string[] => [program('nsenter'), `--net=${fileOf(namespace)}`]

/**
 * Restarts this command inside a namespace with `execve`, which keeps its process id, terminal, exit code and signals.
 * Returns only if the process is already inside. Costs about 30 ms. Call it before installing signal handlers: a signal
 * that has arrived but is not yet handled would be lost.
 */
export function enter(namespace: string): void {
  if (isInside(namespace)) return
  again(insideOf(namespace), {})
}

const emptyMark = 'NEARSIDE_EMPTY_NETWORK'

/**
 * Restarts this command in an empty network, for a world whose network is gone. Connections then fail immediately
 * instead of reaching other hosts with the same addresses.
 */
export function enterNowhere(): void {
  if (process.env[emptyMark] === '1') return
  again([program('unshare'), '--net'], { [emptyMark]: '1' })
}

/** The command line that runs this command again inside a namespace. */
export const againIn = (namespace: string) => command(insideOf(namespace))

function again(prefix: readonly string[], env: NodeJS.ProcessEnv): never {
  const { file, args } = command(prefix)
  const { [emptyMark]: _, ...rest } = process.env
  return process.execve!(file, [file, ...args], { ...rest, ...env })
}

function command([file, ...prefix]: readonly string[]): { file: string; args: string[] } {
  return {
    file: file!,
    args: [...prefix, '--', process.execPath, ...process.execArgv, ...process.argv.slice(1)],
  }
}

function program(name: string): string {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/bin', '/bin', '/usr/sbin', '/sbin']
  const found = folders
    .filter((path) => path.startsWith('/'))
    .map((path) => join(path, name))
    .find((path) => existsSync(path))
  if (found) return found
  throw new NearsideError('lab_tool_missing', `${name}: command not found`, { remedy: 'install util-linux' })
}

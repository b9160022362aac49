import { existsSync, readlinkSync, rmSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'

/** Being in a namespace. util-linux's `nsenter` and `unshare` are on every Debian; what they start keeps its files. */

const folder = '/run/netns'
const fileOf = (namespace: string) => join(folder, namespace)

/** What the kernel calls the file system of namespaces. */
const nsfs = 0x6e736673

/** A name that leads to a namespace. Where /run outlives a reboot, names of before lead nowhere. */
export function exists(namespace: string): boolean {
  try {
    return statfsSync(fileOf(namespace)).type === nsfs
  } catch {
    return false
  }
}

/** Takes away a name that leads nowhere: it would keep a new namespace from having it. */
export function forgetStale(namespace: string): void {
  if (!exists(namespace)) rmSync(fileOf(namespace), { force: true })
}

/** The kernel's number of a namespace, or of the one that a process is in; undefined when it is gone. */
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
 * Words before a command that run it in a namespace. Only the network is another one: files, process ids and what is
 * mounted stay those of the machine (`ip netns exec` would change the mounts, too).
 */
export const insideOf = (namespace: string): string[] => [program('nsenter'), `--net=${fileOf(namespace)}`]

/**
 * This very command again, inside a namespace: the process is replaced, so its id, its terminal, its exit code and
 * the signals that it gets are what they would have been. Returns only when it is there already. Costs some 30 ms. Not
 * for one that has begun to listen to signals: what was heard and not yet told is forgotten.
 */
export function enter(namespace: string): void {
  if (isInside(namespace)) return
  again(insideOf(namespace), {})
}

const emptyMark = 'NEARSIDE_EMPTY_NETWORK'

/**
 * This very command again where there is no network at all, not even the host's: for a world whose network is gone.
 * What it asks is then refused at once, and nothing goes to whoever has these addresses outside.
 */
export function enterNowhere(): void {
  if (process.env[emptyMark] === '1') return
  again([program('unshare'), '--net'], { [emptyMark]: '1' })
}

/** What to start for this very command inside a namespace. */
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
  throw new NearsideError('lab_tool_missing', `${name} cannot be found`, { remedy: 'install util-linux' })
}

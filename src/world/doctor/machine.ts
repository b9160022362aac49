import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { readRequirements } from '../../../setup/paths.mjs'
import { locateEngineRoot } from '../../engines/root/locate.ts'
import { messageOf } from '../../lib/errors.ts'
import { bytes } from '../../lib/format.ts'
import { parseOpenFiles } from '../../lib/machine.ts'
import { runToEnd } from '../../lib/run-to-end.ts'
import { atLeast, type Finding, ok } from './finding.ts'

/** Requirements that all worlds on this machine share. */
export async function machineFindings(folder: string): Promise<Finding[]> {
  return [
    node(),
    await sandbox(),
    engines(),
    await disk(folder),
    limits(readFileSync('/proc/self/limits', 'utf8')),
  ]
}

function node(): Finding {
  const { minimum } = readRequirements().node
  const { node: version } = process.versions
  if (atLeast(version, minimum)) return ok('node', `Node ${version} (${process.execPath})`)
  return {
    check: 'node',
    state: 'problem',
    message: `expected Node ${minimum} or newer, found ${version}`,
    remedy: 'use the nearside command, which installs the right version',
  }
}

/** Tries a sandbox, because some machines have bubblewrap but forbid user namespaces. */
async function sandbox(): Promise<Finding> {
  const env = { PATH: process.env.PATH ?? '' }
  const run = (args: string[]) => runToEnd({ file: 'bwrap', args, env, cwd: '/' }, 10_000)
  const version = await run(['--version'])
  if (version.code !== 0)
    return {
      check: 'sandbox',
      state: 'problem',
      message: 'cannot run bubblewrap (bwrap)',
      remedy: 'run `apt-get install bubblewrap`',
    }
  const tried = await run(['--unshare-user', '--uid', '1000', '--ro-bind', '/', '/', '/bin/true'])
  if (tried.code === 0) return ok('sandbox', `${version.output.trim()}, user namespaces work`)
  return {
    check: 'sandbox',
    state: 'problem',
    message: `bubblewrap cannot create a sandbox: ${tried.output.trim().split('\n')[0]}`,
    remedy:
      'allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 (and apparmor_restrict_unprivileged_userns=0)',
  }
}

function engines(): Finding {
  try {
    const { path, versions, packages } = locateEngineRoot()
    const { minimum } = readRequirements().engines
    const old = Object.entries(minimum).filter(
      ([name, version]) => !atLeast((packages[name] ?? '0').replace(/^\d+:/, ''), version),
    )
    if (old.length === 0)
      return ok(
        'engines',
        `${Object.entries(versions)
          .map(([name, version]) => `${name} ${version}`)
          .join(', ')} (${path})`,
      )
    return {
      check: 'engines',
      state: 'problem',
      message: `too old: ${old.map(([name, version]) => `${name} ${packages[name]}, expected ${version} or newer`).join('; ')}`,
      remedy: `stop all worlds, delete ${path} and run any nearside command to install it again`,
    }
  } catch (error) {
    const remedy = (error as { remedy?: string }).remedy
    return { check: 'engines', state: 'problem', message: messageOf(error), ...(remedy ? { remedy } : {}) }
  }
}

const littleBytes = 1024 ** 3
const comfortableBytes = 5 * 1024 ** 3

/** Each full region's PostgreSQL keeps up to 4 GB of WAL for an unreachable region (`max_slot_wal_keep_size`). */
async function disk(folder: string): Promise<Finding> {
  const { bavail, blocks, bsize } = await statfs(folder)
  const free = bavail * bsize
  const message = `${bytes(free)} of ${bytes(blocks * bsize)} free at ${folder}`
  if (free >= comfortableBytes) return ok('disk', message)
  return {
    check: 'disk',
    state: free < littleBytes ? 'problem' : 'warning',
    message: `only ${message}: PostgreSQL stops when its disk is full`,
    remedy: 'free some space',
  }
}

const filesNeeded = 8192

/** Parses /proc/self/limits. HAProxy needs two files per connection, Redis and PostgreSQL one. Pure. */
export function limits(text: string): Finding {
  const found = parseOpenFiles(text)
  const files = found ?? 0
  const message = `${found === undefined ? 'unknown number of' : found === Infinity ? 'unlimited' : found} open files allowed per process`
  if (files >= filesNeeded) return ok('limits', message)
  return {
    check: 'limits',
    state: 'warning',
    message: `only ${message}, expected at least ${filesNeeded} to serve many concurrent users`,
    remedy: 'run `ulimit -n 65536`, or set LimitNOFILE= in the unit file',
  }
}

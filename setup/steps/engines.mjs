import { createHash } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { debianSources, fetchOptions } from '../apt-sources.mjs'
import { SetupFailure } from '../failure.mjs'
import { run, runPipe } from '../run.mjs'
import { atLeast, upstream } from '../versions.mjs'
import { checkIdRange } from './host.mjs'
import { removeLeftovers } from './node.mjs'

/** @typedef {import('../main.mjs').Context} Context */

/** The root is 0.8 GB, and mmdebstrap holds as much again while it works. */
const NEEDED_BYTES = 2.2e9

/**
 * Builds the engine root aside and renames it, so that a folder of that name is always a complete one. Only /usr and
 * /etc are kept: a sandbox has its own /var, /run and /tmp.
 *
 * @param {Context} context @param {string} engineRoot
 */
export async function bringEngines({ requirements, progress, isRoot, env }, engineRoot) {
  if (existsSync(engineRoot)) return
  checkIdRange(isRoot)
  const { engines } = requirements
  progress.begin('engines', 'about a minute, once per machine and user')
  mkdirSync(dirname(engineRoot), { recursive: true })
  removeLeftovers(engineRoot)
  checkSpace(dirname(engineRoot))
  const aside = `${engineRoot}.making-${process.pid}`
  mkdirSync(aside)
  const scratch = await makeScratch(isRoot, engineRoot, env)
  try {
    const command = mmdebstrap({
      engines,
      mode: isRoot ? 'root' : 'unshare',
      sources: debianSources(await run(['apt-get', 'indextargets']), osId(), engines.suite),
      fetch: fetchOptions(await run(['apt-config', 'dump', 'Acquire'])),
    })
    const unpack = [
      'tar',
      '-x',
      '-C',
      aside,
      '--no-same-owner',
      '--no-same-permissions',
      '--exclude=./etc/apt',
      './usr',
      './etc',
      './var/lib/dpkg/status',
    ]
    await runPipe(command, unpack, {
      cwd: '/',
      env: { TMPDIR: scratch },
      onLine: (line) => progress.detail(line.replace(/^I: /, '')),
    })
    finish(aside, engines)
    // A machine that loses power after the rename must not find files without their contents.
    await run(['sync', '-f', aside])
    renameSync(aside, engineRoot)
  } finally {
    rmSync(aside, { recursive: true, force: true })
    await removeScratch(scratch, isRoot)
  }
  progress.done()
}

/**
 * Pure: the command that prints the root as a tar archive.
 *
 * @param {{ engines: import('../paths.mjs').EngineRequirements, mode: string, sources: string[], fetch: string[] }} options
 */
export function mmdebstrap({ engines, mode, sources, fetch }) {
  return [
    'mmdebstrap',
    `--mode=${mode}`,
    '--variant=minbase',
    '--format=tar',
    `--include=${engines.packages.join(',')}`,
    ...['APT::Install-Recommends "false"', 'Acquire::Languages "none"', ...fetch].map(
      (line) => `--aptopt=${line}`,
    ),
    ...engines.leaveOut.map((path) => `--dpkgopt=path-exclude=${path}`),
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    engines.suite,
    '-',
    ...sources,
  ]
}

/** @param {string} aside @param {import('../paths.mjs').EngineRequirements} engines */
function finish(aside, engines) {
  const status = join(aside, 'var', 'lib', 'dpkg', 'status')
  const packages = installedPackages(readFileSync(status, 'utf8'))
  rmSync(join(aside, 'var'), { recursive: true })
  checkVersions(packages, engines.minimum)
  for (const secret of ['shadow', 'shadow-', 'gshadow', 'gshadow-', 'passwd-', 'group-', '.pwd.lock'])
    rmSync(join(aside, 'etc', secret), { force: true })
  // The sandbox has these three ids and no others; see src/engines/root/sandbox.ts.
  write(
    join(aside, 'etc', 'passwd'),
    'root:x:0:0:root:/:/bin/sh\nnearside:x:1000:1000:Nearside:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n',
  )
  write(join(aside, 'etc', 'group'), 'root:x:0:\nnearside:x:1000:\nnogroup:x:65534:\n')
  write(join(aside, 'etc', 'hosts'), '127.0.0.1 localhost\n::1 localhost\n')
  write(join(aside, 'etc', 'resolv.conf'), '')
  write(join(aside, 'etc', 'nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n')
  const manifest = { suite: engines.suite, arch: process.arch, builtAt: new Date().toISOString(), packages }
  write(join(aside, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

/** Replaces a file or a link: writing through a link would reach outside. @param {string} path @param {string} text */
function write(path, text) {
  rmSync(path, { force: true })
  writeFileSync(path, text, { mode: 0o644 })
}

/** @param {string} status dpkg's status file @returns {Record<string, string>} */
export function installedPackages(status) {
  /** @type {Record<string, string>} */
  const packages = {}
  for (const stanza of status.split('\n\n')) {
    const name = /^Package: (.+)$/m.exec(stanza)?.[1]
    const version = /^Version: (.+)$/m.exec(stanza)?.[1]
    if (name && version && /^Status: install ok installed$/m.test(stanza)) packages[name] = version
  }
  return packages
}

/** @param {Record<string, string>} packages @param {Record<string, string>} minimum */
export function checkVersions(packages, minimum) {
  const wrong = Object.entries(minimum).flatMap(([name, needed]) => {
    const found = packages[name]
    if (!found) return [`${name} is missing`]
    return atLeast(upstream(found), needed)
      ? []
      : [`${name} is ${upstream(found)}, but ${needed} or newer is needed`]
  })
  if (wrong.length === 0) return
  throw new SetupFailure(
    `the engines that came are not the ones that Nearside's guarantees were tested with:\n${wrong.map((line) => `    ${line}`).join('\n')}`,
    "This machine's Debian mirror is out of date or incomplete. Point apt at a complete mirror, then type the same command again.",
  )
}

/** @param {string} folder */
function checkSpace(folder) {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize >= NEEDED_BYTES) return
  throw new SetupFailure(
    `${folder} has ${((bavail * bsize) / 1e9).toFixed(1)} GB free; building the engine root needs ${NEEDED_BYTES / 1e9} GB`,
    'Make room, or set XDG_CACHE_HOME to a folder on a larger disk, then type the same command again.',
  )
}

/**
 * Where mmdebstrap puts the system together. As root that is beside the result. As an ordinary user the files belong
 * to the user's subordinate ids, which cannot enter a private home folder; /var/tmp is on disk, /tmp often is not.
 *
 * @param {boolean} isRoot @param {string} engineRoot @param {NodeJS.ProcessEnv} env
 */
async function makeScratch(isRoot, engineRoot, env) {
  if (isRoot) {
    const scratch = `${engineRoot}.making-${process.pid}-scratch`
    mkdirSync(scratch)
    return scratch
  }
  const base = env.TMPDIR ?? '/var/tmp'
  const prefix = `nearside-engines-${createHash('sha256').update(engineRoot).digest('hex').slice(0, 12)}-`
  // Of an interrupted set-up: we hold the lock of this engine root, so nobody is at work in them.
  for (const name of readdirSync(base))
    if (name.startsWith(prefix)) await removeScratch(join(base, name), isRoot)
  const scratch = mkdtempSync(join(base, prefix))
  chmodSync(scratch, 0o711)
  checkSpace(scratch)
  return scratch
}

/** @param {string} scratch @param {boolean} isRoot */
async function removeScratch(scratch, isRoot) {
  try {
    rmSync(scratch, { recursive: true, force: true })
  } catch (error) {
    if (isRoot) throw error
    // What an interrupted mmdebstrap left belongs to subordinate ids, which only a user namespace may remove.
    await run(['mmdebstrap', '--unshare-helper', 'rm', '-rf', scratch]).catch(() => {})
    rmSync(scratch, { recursive: true, force: true })
  }
}

function osId() {
  const text = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  return /^ID="?([^"\n]+)/m.exec(text)?.[1] ?? ''
}

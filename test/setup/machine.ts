import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { engineRootDir, home, readRequirements } from '../../setup/paths.mjs'
import { temporaryFolder } from '../support/sandboxed.ts'

/**
 * A fake machine for the set-up: its own PATH, with Nearside and a cache. Tools that only read or copy are real; those
 * that would change the real machine are stubs. All calls are recorded.
 */
export type Machine = {
  folder: string
  checkout: string
  engineRoot: string
  /** Commands called since `forgetCalls`, in order; stubs with arguments. */
  calls(): string[]
  forgetCalls(): void
  /** Replaces a command by a shell script, or removes it from the PATH. */
  stub(name: string, script: string | undefined): void
  start(argv: string[], options?: StartOptions): Started
  run(argv: string[], options?: StartOptions): Promise<Ended>
  /** Replaces /etc/subuid and /etc/subgid for the ordinary user, if the real machine has these files. */
  subordinateIds: string | undefined
  /** Leftovers of the build in the cache. */
  leftovers(): string[]
}
export type StartOptions = { user?: 'root' | 'ordinary'; cwd?: string }
export type Started = {
  pid: number
  kill(signal: NodeJS.Signals): void
  stderr(): string
  ended: Promise<Ended>
}
export type Ended = { status: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string }

const REAL = [
  'bwrap',
  'cat',
  'chmod',
  'cp',
  'env',
  'flock',
  'mkdir',
  'readlink',
  'rm',
  'sh',
  'sha256sum',
  'sleep',
  'sync',
  'tar',
  'touch',
  'true',
]

const STUBS = {
  npm: 'mkdir -p node_modules; cp package-lock.json node_modules/.package-lock.json',
  'apt-get': ':',
  'apt-config': ':',
  mmdebstrap: 'cat "$MACHINE/root.tar"',
  newuidmap: ':',
}

/** Debian versions, new enough unless a test overrides them. */
const PACKAGES = {
  'etcd-server': '3.5.16-4',
  haproxy: '3.0.11-1+deb13u5',
  knot: '3.4.6-2',
  patroni: '4.0.7-3~deb13u1',
  'postgresql-17': '17.12-0+deb13u1',
  'redis-server': '5:8.0.2-3+deb13u3',
  varnish: '7.7.0-3+deb13u2',
}

/** A clone, or a package that npm has installed: no src/, no lock file, and its dependencies are somewhere above it. */
export type Form = 'clone' | 'package'

export function machine(packages: Record<string, string> = {}, form: Form = 'clone'): Machine {
  const folder = temporaryFolder('machine')
  const bin = join(folder, 'bin')
  const checkout = join(folder, form === 'clone' ? 'check out' : 'pre fix/lib/node_modules/nearside')
  const cache = join(folder, 'cache')
  const log = join(folder, 'calls.log')
  const scratch = join(folder, 'scratch')
  const ids = join(folder, 'subordinate-ids')
  const env = {
    PATH: bin,
    HOME: join(folder, 'home'),
    XDG_CACHE_HOME: cache,
    TMPDIR: scratch,
    MACHINE: folder,
  }
  for (const made of [bin, scratch]) mkdirSync(made)
  writeFileSync(ids, '1000:100000:65536\n')
  lay(checkout, form)
  packRoot(folder, { ...PACKAGES, ...packages })

  const stub: Machine['stub'] = (name, script) => {
    const path = join(bin, name)
    rmSync(path, { force: true })
    if (script === undefined) return
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >>'${log}'\n${script}\n`)
    chmodSync(path, 0o755)
  }
  for (const name of REAL) stub(name, `exec ${realPath(name)} "$@"`)
  for (const [name, script] of Object.entries(STUBS)) stub(name, script)
  stub('node', `exec '${process.execPath}' "$@"`)

  const start: Machine['start'] = (argv, { user = 'root', cwd = folder } = {}) => {
    const [file, ...args] = [...as(user, ids), ...argv]
    const child = spawn(file!, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    const output = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (text) => (output[name] += text))
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status, signal) => resolve({ status, signal, ...output }))
    })
    return { pid: child.pid!, kill: (signal) => void child.kill(signal), stderr: () => output.stderr, ended }
  }

  return {
    folder,
    checkout,
    engineRoot: engineRootDir(env, readRequirements().engines),
    subordinateIds: ID_FILES.every((file) => existsSync(file)) ? ids : undefined,
    calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').filter(Boolean) : []),
    forgetCalls: () => writeFileSync(log, ''),
    stub,
    start,
    run: (argv, options) => start(argv, options).ended,
    leftovers: () =>
      existsSync(join(cache, 'nearside'))
        ? readdirSync(join(cache, 'nearside')).filter((name) => name.includes('making'))
        : [],
  }
}

function lay(checkout: string, form: Form) {
  for (const part of ['bin', 'setup']) cpSync(join(home, part), join(checkout, part), { recursive: true })
  const [code, main] = form === 'clone' ? ['src/cli', 'main.ts'] : ['dist/cli', 'main.js']
  mkdirSync(join(checkout, code), { recursive: true })
  writeFileSync(
    join(checkout, code, main),
    'console.log(JSON.stringify([process.cwd(), ...process.argv.slice(2)]))\n',
  )
  writeFileSync(join(checkout, 'package.json'), JSON.stringify({ name: 'nearside', type: 'module' }))
  if (form === 'clone')
    writeFileSync(
      join(checkout, 'package-lock.json'),
      JSON.stringify({ lockfileVersion: 3, packages: { '': {} } }),
    )
}

/** The output of mmdebstrap, as small as the set-up accepts. */
function packRoot(folder: string, packages: Record<string, string>) {
  const root = join(folder, 'root')
  for (const part of ['usr/bin', 'etc/apt', 'var/lib/dpkg']) mkdirSync(join(root, part), { recursive: true })
  writeFileSync(join(root, 'etc/shadow'), 'root:*:1::::::\n')
  writeFileSync(join(root, 'etc/apt/proxy'), 'secret\n')
  const status = Object.entries(packages).map(
    ([name, version]) => `Package: ${name}\nStatus: install ok installed\nVersion: ${version}\n`,
  )
  writeFileSync(join(root, 'var/lib/dpkg/status'), status.join('\n'))
  spawnSync('tar', ['-cf', join(folder, 'root.tar'), '-C', root, '.'])
}

const ID_FILES = ['/etc/subuid', '/etc/subgid']

/** Command prefix to run as that user, if necessary in a user namespace with all files in place. */
function as(user: 'root' | 'ordinary', ids: string): string[] {
  if (user === 'root') return process.getuid?.() === 0 ? [] : [realPath('unshare'), '--map-root-user', '--']
  const idFiles = ID_FILES.filter((file) => existsSync(file)).flatMap((file) => ['--bind', ids, file])
  return [
    realPath('bwrap'),
    ...['--unshare-user', '--uid', '1000', '--gid', '1000', '--dev-bind', '/', '/', ...idFiles],
    ...['--die-with-parent', '--'],
  ]
}

function realPath(name: string): string {
  const folder = ['/usr/bin', '/bin', '/usr/local/bin'].find((candidate) => existsSync(join(candidate, name)))
  if (!folder) throw new Error(`these tests need the command ${name}`)
  return join(folder, name)
}

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childPid, sandboxCommand } from '../../../src/engines/root/sandbox.ts'
import { unsandboxedCommand } from '../../../src/engines/root/unsandboxed.ts'
import { NearsideError } from '../../../src/lib/errors.ts'

const options = {
  root: '/cache/engines',
  binds: [{ path: '/srv/shop/.nearside' }],
  cwd: '/srv/shop/.nearside',
  env: {},
  command: ['etcd', '--version'],
}

const has = (args: readonly string[], ...words: string[]) =>
  ` ${args.join(' ')} `.includes(` ${words.join(' ')} `)

test('an engine sees the root, its binds and nothing else of the host', () => {
  const { file, args } = sandboxCommand({
    ...options,
    binds: [{ path: '/srv/shop/.nearside' }, { path: '/srv/keys', readonly: true }],
    runDir: '/srv/shop/.nearside/run',
  })
  assert.equal(file, 'bwrap')
  const sources = args.flatMap((word, i) =>
    /^--(ro-|dev-)?bind(-try)?$/.test(word) ? [`${word} ${args[i + 1]} ${args[i + 2]}`] : [],
  )
  assert.deepEqual(sources, [
    '--ro-bind /cache/engines/usr /usr',
    '--ro-bind /cache/engines/etc /etc',
    '--ro-bind-try /etc/hosts /etc/hosts',
    '--ro-bind-try /etc/resolv.conf /etc/resolv.conf',
    '--ro-bind /proc /proc',
    '--bind /srv/shop/.nearside /srv/shop/.nearside',
    '--ro-bind /srv/keys /srv/keys',
    '--bind /srv/shop/.nearside/run /run/nearside',
  ])
  assert.deepEqual(args.slice(-3), ['--', 'etcd', '--version'])
})

test('an engine is detached from its starter and shares process ids, network and shared memory with the host', () => {
  const { args } = sandboxCommand(options)
  for (const word of [
    '--die-with-parent',
    '--unshare-pid',
    '--unshare-net',
    '--unshare-ipc',
    '--unshare-all',
  ])
    assert.ok(!args.includes(word), word)
  assert.ok(has(args, '--cap-drop', 'ALL'))
  assert.ok(has(args, '--unshare-user', '--uid', '1000', '--gid', '1000'))
  assert.ok(sandboxCommand({ ...options, lifetime: 'tied' }).args.includes('--die-with-parent'))
})

test('the environment is never in the arguments, which every user of the machine can read', () => {
  const { args, env } = sandboxCommand({ ...options, env: { PGPASSWORD: 'secret', PATH: '/usr/bin' } })
  assert.ok(!args.join(' ').includes('secret'))
  assert.ok(!args.includes('--setenv') && !args.includes('--clearenv'))
  assert.deepEqual(env, { PGPASSWORD: 'secret', PATH: '/usr/bin', HOME: '/tmp', LANG: 'C.UTF-8' })
})

test('a path that the engine root itself needs is refused, with a remedy', () => {
  const bind = (path: string) => () => sandboxCommand({ ...options, binds: [{ path }] })
  for (const path of [
    '/',
    '/usr',
    '/usr/src',
    '/usr/lib/app',
    '/etc/nearside',
    '/proc/1',
    '/dev/shm',
    '/lib64/x',
  ])
    assert.throws(
      bind(path),
      (error) => error instanceof NearsideError && error.code === 'sandbox_path',
      path,
    )
  for (const path of ['relative', '/srv/../etc', '/srv//app', '/srv/app/'])
    assert.throws(bind(path), NearsideError, path)
  for (const path of [
    '/usr/src/app',
    '/usr/local/app',
    '/root/app',
    '/home/ann/app',
    '/tmp/x',
    '/var/www',
    '/etcetera',
  ])
    assert.doesNotThrow(bind(path), path)
})

test('an app below /usr/src, as in many containers, gets a mount point there', () => {
  const { args } = sandboxCommand({ ...options, binds: [{ path: '/usr/src/app' }] })
  assert.ok(has(args, '--tmpfs', '/usr/src', '--bind', '/usr/src/app', '/usr/src/app'))
  assert.ok(!has(args, '--tmpfs', '/usr/local'))
})

test('the process id is parsed only when it is complete', () => {
  const whole = '{\n    "child-pid": 27352,\n    "mnt-namespace": 4026532179\n}\n'
  assert.equal(childPid(whole), 27352)
  assert.equal(childPid(whole.slice(0, whole.indexOf('52,'))), undefined)
  assert.equal(childPid('{ "child-pid": 7 }'), 7)
  assert.equal(childPid(''), undefined)
})

test('a program outside the sandbox uses the engine root’s loader and libraries', () => {
  assert.deepEqual(unsandboxedCommand('/r', 'ip', ['-V'], 'arm64'), [
    '/r/usr/lib/ld-linux-aarch64.so.1',
    '--library-path',
    '/r/usr/lib/aarch64-linux-gnu',
    '/r/usr/sbin/ip',
    '-V',
  ])
  assert.throws(() => unsandboxedCommand('/r', 'ip', [], 's390x'), /s390x/)
})

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Machine, machine } from './machine.ts'

/** Runs the launcher on a machine with a problem; it must exit with 1 and leave nothing unfinished. */
async function failure(made: Machine, user: 'root' | 'ordinary' = 'root'): Promise<string> {
  const { status, stdout, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')], { user })
  assert.equal(status, 1, stderr)
  assert.equal(stdout, '', 'the command itself must not have run')
  assert.ok(!existsSync(made.engineRoot))
  assert.deepEqual(made.leftovers(), [])
  return stderr
}

test('without Node or with an old one, states the requirement and how to install it', async () => {
  const made = machine()
  made.stub('node', undefined)
  assert.match(await failure(made), /expected Node 18 or newer with npm\.\n.*apt-get install nodejs npm/)
  made.stub('node', 'echo v16.20.2')
  assert.match(await failure(made), /expected Node 18 or newer with npm, found Node 16\.20\.2\./)
})

test('without apt, states the supported systems', async () => {
  const made = machine()
  made.stub('apt-get', undefined)
  const text = await failure(made)
  assert.match(text, /no apt-get, which is needed to install mmdebstrap, bubblewrap and the engines/)
  assert.match(text, /Debian 12 or newer, or Ubuntu 22\.04 or newer/)
})

test('an ordinary user without sudo gets the exact command to run as root', async () => {
  const made = machine()
  for (const name of ['mmdebstrap', 'newuidmap']) made.stub(name, undefined)
  const text = await failure(made, 'ordinary')
  assert.match(text, /mmdebstrap and uidmap are missing, and installing it needs root or sudo/)
  assert.match(text, /^ {4}apt-get install -y mmdebstrap uidmap$/m)
})

test('without a terminal, does not wait for a password of sudo', async () => {
  const made = machine()
  made.stub('bwrap', undefined)
  made.stub('sudo', 'echo "sudo: a password is required" >&2; exit 1')
  const text = await failure(made, 'ordinary')
  assert.match(text, /bubblewrap is missing, and sudo has no terminal to ask for a password/)
  assert.match(text, /^ {4}apt-get install -y bubblewrap$/m)
})

test('a failing apt under sudo is shown with its output', async () => {
  const made = machine()
  made.stub('bwrap', undefined)
  made.stub('sudo', 'test "$1" = -n && shift; exec "$@"')
  made.stub('apt-get', 'echo "E: the mirror is on fire" >&2; exit 100')
  const text = await failure(made, 'ordinary')
  assert.match(text, /step "bubblewrap from apt": this command failed:\n +sudo -n env .*apt-get .* update\n/)
  assert.match(text, /\| E: the mirror is on fire\n +\| \(exit code 100\)/)
})

test('without npm, states how to install it', async () => {
  const made = machine()
  made.stub('npm', undefined)
  assert.match(await failure(made), /step "npm packages": npm is not installed\n\n.*apt-get install npm/)
})

test('a failing npm is shown with the first and last lines of its output', async () => {
  const made = machine()
  made.stub('npm', 'i=0; while [ $i -lt 99 ]; do i=$((i + 1)); echo "npm error $i" >&2; done; exit 1')
  const text = await failure(made)
  assert.match(text, /step "npm packages": this command failed:\n {4}npm ci --ignore-scripts /)
  for (const line of [
    'npm error 1',
    '... (79 lines)',
    'npm error 99',
    '(exit code 1)',
    'run the same command again',
  ])
    assert.ok(text.includes(line), line)
})

test('a sandbox forbidden by the kernel or a container is detected before anything is built', async () => {
  const made = machine()
  made.stub('bwrap', 'echo "bwrap: No permissions to create new namespace" >&2; exit 1')
  const text = await failure(made)
  assert.match(text, /bubblewrap cannot create one here:\n(?:.*\n)*.*No permissions to create new namespace/)
  assert.match(text, /sysctl -w |container/)
  assert.ok(!made.calls().some((call) => call.startsWith('mmdebstrap')))
})

test('a failing mmdebstrap is reported although its output goes through a pipe', async () => {
  const made = machine()
  made.stub('mmdebstrap', 'cat "$MACHINE/root.tar"; echo "E: apt-get update failed" >&2; exit 25')
  const text = await failure(made)
  assert.match(text, /step "engines": this command failed:\n {4}mmdebstrap --mode=root /)
  assert.match(text, /\| E: apt-get update failed\n +\| \(exit code 25\)/)
})

test('a mirror with older engines is refused, because Patroni before 4.0 loses acknowledged writes', async () => {
  const made = machine({ patroni: '3.0.2-1', haproxy: '2.6.12-1+deb12u1' })
  const text = await failure(made)
  assert.match(text, /patroni: expected 4\.0 or newer, found 3\.0\.2/)
  assert.match(text, /haproxy: expected 3\.0 or newer, found 2\.6\.12/)
})

test('after a repair, the same command continues where it stopped', async () => {
  const made = machine()
  made.stub('mmdebstrap', 'exit 1')
  await failure(made)
  made.stub('mmdebstrap', 'cat "$MACHINE/root.tar"')
  made.forgetCalls()
  const { status, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')])
  assert.equal(status, 0, stderr)
  assert.ok(!made.calls().some((call) => call.startsWith('npm ')), 'npm packages were already installed')
})

test('an ordinary user without subordinate ids gets the command that adds them', async (t) => {
  const made = machine()
  if (!made.subordinateIds) return t.skip('this machine has no /etc/subuid to stand in for')
  writeFileSync(made.subordinateIds, 'someone-else:100000:65536\n')
  const text = await failure(made, 'ordinary')
  assert.match(text, /^ {4}usermod --add-subuids 100000-165535 --add-subgids 100000-165535 \S+$/m)
})

test('a disk that fills up during unpacking is reported, although mmdebstrap fails first', async () => {
  const made = machine()
  made.stub('mmdebstrap', 'cat "$MACHINE/root.tar"; echo "E: tar failed" >&2; exit 1')
  made.stub('tar', 'cat >/dev/null; echo "tar: Cannot write: No space left on device" >&2; exit 2')
  const text = await failure(made)
  assert.match(text, /\| E: tar failed\n/)
  assert.match(text, /^ {4}tar -x .*\n +\| tar: Cannot write: No space left on device\n +\| \(exit code 2\)/m)
})

test('an unusable home folder is reported with the variables to set, without a stack', async () => {
  const made = machine()
  // A file in place of a folder, which even root cannot use.
  writeFileSync(join(made.folder, 'cache'), '')
  const text = await failure(made)
  assert.match(text, /cannot use \S*cache\S* \(\w+: .*\)\n\n.*set HOME .* or XDG_CACHE_HOME/)
  assert.doesNotMatch(text, /^ +at /m)
})

/** Runs the launcher where the cache folder is mounted with these options of bwrap. */
async function withCache(mount: (cache: string) => string[], before = ''): Promise<string> {
  const made = machine()
  const cache = join(made.folder, 'cache')
  mkdirSync(cache)
  const launcher = join(made.checkout, 'bin', 'nearside')
  const inside = ['--dev-bind', '/', '/', ...mount(cache), '--', 'sh', '-c', `${before}\nexec "$0"`, launcher]
  const { status, stdout, stderr } = await made.run(['/usr/bin/bwrap', ...inside])
  assert.deepEqual([status, stdout], [1, ''], stderr)
  assert.doesNotMatch(stderr, /^ +at /m)
  return stderr
}

test('a full disk is reported with the path and how much space is needed', async () => {
  const text = await withCache(
    (cache) => ['--size', '65536', '--tmpfs', cache],
    'cat /dev/zero >"$XDG_CACHE_HOME/fill" 2>/dev/null',
  )
  assert.match(
    text,
    /cannot use \S*set-up\.lock \(ENOSPC: no space left on device, \w+\)\n\nFree some space.*2 GB/,
  )
})

test('a read-only cache folder is reported with the variables to set', async () => {
  const text = await withCache((cache) => ['--ro-bind', cache, cache])
  assert.match(text, /cannot use \S*cache\/nearside \(EROFS: .*\)\n\n.*set HOME .* or XDG_CACHE_HOME/)
})

test('a folder in place of the lock file is reported, and is not taken for another set-up', async () => {
  const made = machine()
  mkdirSync(join(made.folder, 'cache/nearside/set-up.lock'), { recursive: true })
  const text = await failure(made)
  assert.match(text, /cannot use \S*set-up\.lock \(EISDIR: .*\)\n\n.*set HOME /)
})

import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { type Machine, machine } from './machine.ts'

const named = (calls: string[], ...names: string[]) =>
  calls.filter((call) => names.includes(call.split(' ')[0]!))

async function install(made: Machine) {
  const { status, stderr } = await made.run([join(made.checkout, 'bin', 'nearside')])
  assert.equal(status, 0, stderr)
}

test('the first command installs everything, then runs the command', async () => {
  const fresh = machine()
  const { status, stdout, stderr } = await fresh.run([
    join(fresh.checkout, 'bin', 'nearside'),
    'up',
    'two words',
  ])
  assert.equal(status, 0, stderr)
  assert.deepEqual(JSON.parse(stdout), [realpathSync(fresh.folder), 'up', 'two words'])
  assert.match(stderr, /npm packages: done in \d+ s\n.*engines \.\.\..*\n.*engines: done in \d+ s\n$/)
  assert.deepEqual(
    named(fresh.calls(), 'npm', 'mmdebstrap').map((call) => call.split(' ').slice(0, 2).join(' ')),
    ['npm ci', 'mmdebstrap --mode=root'],
  )
  assert.deepEqual(fresh.leftovers(), [])
})

test('npm packages run no scripts at installation', async () => {
  const fresh = machine()
  await install(fresh)
  assert.match(named(fresh.calls(), 'npm')[0] ?? '', / --ignore-scripts /)
})

test('the second command only computes a hash, reads the stamps and checks one version', async () => {
  const used = machine()
  await install(used)
  used.forgetCalls()
  const { status, stderr } = await used.run([join(used.checkout, 'bin', 'nearside'), 'status'])
  assert.deepEqual([status, stderr], [0, ''])
  assert.deepEqual(
    used
      .calls()
      .map((call) => call.split(' ')[0])
      .sort(),
    ['cat', 'readlink', 'sha256sum'],
  )
})

test('works through a symbolic link and from another folder, which stays the current one', async () => {
  const used = machine()
  const [link, app] = [join(used.folder, 'nearside'), join(used.folder, 'app')]
  symlinkSync(join(used.checkout, 'bin', 'nearside'), link)
  mkdirSync(app)
  for (const run of [1, 2]) {
    const { status, stdout, stderr } = await used.run([link, 'check'], { cwd: app })
    assert.equal(status, 0, stderr)
    assert.deepEqual(JSON.parse(stdout), [realpathSync(app), 'check'], `run ${run}: ${stderr}`)
  }
})

test('the engine root contains only what a sandbox needs', async () => {
  const used = machine()
  await install(used)
  assert.deepEqual(readdirSync(used.engineRoot).sort(), ['etc', 'manifest.json', 'usr'])
  assert.ok(!existsSync(join(used.engineRoot, 'etc', 'shadow')))
  assert.ok(!existsSync(join(used.engineRoot, 'etc', 'apt')), 'a proxy’s password must not stay')
  assert.match(readFileSync(join(used.engineRoot, 'etc', 'passwd'), 'utf8'), /^nearside:x:1000:1000:/m)
  const manifest = JSON.parse(readFileSync(join(used.engineRoot, 'manifest.json'), 'utf8'))
  assert.equal(manifest.packages.patroni, '4.0.7-3~deb13u1')
})

test('apt installs only missing packages, and updates its lists only if a package is unknown', async () => {
  const used = machine()
  used.stub('mmdebstrap', undefined)
  used.stub(
    'apt-get',
    `case " $* " in
      *" update "*) touch "$MACHINE/updated" ;;
      *" install "*) test -e "$MACHINE/updated" || { echo "E: Unable to locate package" >&2; exit 100; }
        echo '#!/bin/sh\ncat "$MACHINE/root.tar"' >"$MACHINE/bin/mmdebstrap"
        chmod +x "$MACHINE/bin/mmdebstrap" ;;
    esac`,
  )
  const { status, stderr } = await used.run([join(used.checkout, 'bin', 'nearside')])
  assert.equal(status, 0, stderr)
  const apt = named(used.calls(), 'apt-get').map((call) =>
    call.replace(/^.* (?=(update|install|indextargets)\b(?!-))/, ''),
  )
  assert.deepEqual(apt, ['install mmdebstrap', 'update', 'install mmdebstrap', 'indextargets'])
})

test('a changed lock file reinstalls only the packages', async () => {
  const used = machine()
  await install(used)
  const packages = { '': {}, 'node_modules/zod': { version: '4.0.0' } }
  writeFileSync(join(used.checkout, 'package-lock.json'), JSON.stringify({ lockfileVersion: 3, packages }))
  used.forgetCalls()
  const { status, stderr } = await used.run([join(used.checkout, 'bin', 'nearside')])
  assert.equal(status, 0, stderr)
  assert.equal(named(used.calls(), 'npm', 'mmdebstrap').length, 1)
  assert.match(named(used.calls(), 'npm')[0] ?? '', /^npm ci /)
})

test('packages that node_modules only lists are installed', async () => {
  const made = machine()
  const packages = { '': {}, 'node_modules/zod': { version: '4.0.0' } }
  const listing = JSON.stringify({ lockfileVersion: 3, packages })
  writeFileSync(join(made.checkout, 'package-lock.json'), listing)
  // As `npm install --package-lock-only` leaves it.
  mkdirSync(join(made.checkout, 'node_modules'))
  const { '': _, ...listed } = packages
  writeFileSync(
    join(made.checkout, 'node_modules/.package-lock.json'),
    JSON.stringify({ lockfileVersion: 3, packages: listed }),
  )
  await install(made)
  assert.match(named(made.calls(), 'npm')[0] ?? '', /^npm ci /)
})

test('an ordinary user can install it, too, with mmdebstrap in a user namespace and without leftovers', async (t) => {
  const fresh = machine()
  if (!fresh.subordinateIds) return t.skip('this machine has no /etc/subuid to stand in for')
  const { status, stderr } = await fresh.run([join(fresh.checkout, 'bin', 'nearside')], { user: 'ordinary' })
  assert.equal(status, 0, stderr)
  assert.match(named(fresh.calls(), 'mmdebstrap')[0] ?? '', /^mmdebstrap --mode=unshare /)
  assert.deepEqual(readdirSync(join(fresh.folder, 'scratch')), [])
})

test('with a Node too old for TypeScript, one from npm is installed for Nearside only', async () => {
  const made = machine()
  made.stub(
    'npm',
    `bin=node_modules/node-linux-${process.arch}/bin; mkdir -p $bin; cp "$MACHINE/node24" $bin/node`,
  )
  writeFileSync(join(made.folder, 'node24'), '#!/bin/sh\necho v24.1.0\n', { mode: 0o755 })
  const script = `import('${pathToFileURL(join(made.checkout, 'setup', 'steps', 'node.mjs'))}').then(async ({ installNode }) => {
    const progress = { begin() {}, done() {} }
    const node = { minimum: '22.18.0', package: 'node-linux-{arch}@24' }
    const bring = () => installNode({ env: process.env, requirements: { node }, progress, nodeVersion: '18.20.4' })
    console.log(JSON.stringify([await bring(), await bring()]))
  })`
  const { stdout, stderr } = await made.run(['node', '-e', script])
  const binary = join(made.folder, 'cache', 'nearside', `node-linux-${process.arch}-24`, 'bin', 'node')
  assert.deepEqual(JSON.parse(stdout || '[]'), [binary, binary], stderr)
  assert.equal(named(made.calls(), 'npm').length, 1)
  assert.match(named(made.calls(), 'npm')[0] ?? '', /^npm install --ignore-scripts .*@24$/)
  assert.deepEqual(made.leftovers(), [])
})

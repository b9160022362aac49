import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { cacheDir, engineRootDir, home, readRequirements } from '../../setup/paths.mjs'

// The set-up is JavaScript without type declarations, checked by its own tsconfig.
const load = (name: string) => import(pathToFileURL(join(home, 'setup', name)).href)
const { atLeast, nodeSuffices, upstream } = await load('versions.mjs')
const { debianSources, fetchOptions } = await load('apt-sources.mjs')
const { installedPackages, mmdebstrap } = await load('engine-packages.mjs')
const { at, explain } = await load('explain.mjs')
const { packagesMatch } = await load('steps/packages.mjs')
const { checkPlatform } = await load('steps/platform.mjs')
const { Progress } = await load('progress.mjs')

test('every refusal of the file system is explained with path, reason and remedy, without a stack', () => {
  const env = { HOME: '/home/a' }
  const refused = (code: string, path: string) =>
    explain(Object.assign(new Error(`${code}: why, open`), { code, path }), env)
  const inCache = '/home/a/.cache/nearside/x'
  for (const code of ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOENT', 'EIO', 'ENAMETOOLONG'])
    for (const path of [inCache, '/home/a/.cache', '/home/a'])
      assert.match(
        refused(code, path),
        new RegExp(`^cannot use ${path} \\(${code}: why, open\\)\\n\\n.*XDG_CACHE_HOME`),
      )
  for (const code of ['ENOSPC', 'EDQUOT'])
    for (const path of [inCache, '/srv/clone/node_modules'])
      assert.match(
        refused(code, path),
        new RegExp(`^cannot use ${path} \\(${code}: .*\\)\\n\\nFree some space there`),
      )
  assert.match(refused('EROFS', '/srv/clone/node_modules'), /Let this user write there/)
  assert.match(explain(new TypeError('bug'), env), /^TypeError: bug\n +at /)
})

test('a failed write names its file, which Node leaves out', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })
  const fail = () =>
    at('/x/lock', () => {
      throw full
    })
  assert.throws(fail, { path: '/x/lock' })
})

test('without an absolute HOME, the cache is in the home folder that the system knows', () => {
  const known = join(userInfo().homedir, '.cache/nearside')
  for (const HOME of [undefined, '', 'relative']) assert.equal(cacheDir({ HOME }), known)
  assert.equal(cacheDir({ HOME: '/home/a' }), '/home/a/.cache/nearside')
  assert.equal(cacheDir({ XDG_CACHE_HOME: '/c' }), '/c/nearside')
})

test('Node runs TypeScript without a flag since 22.18 and 23.6', () => {
  const suffices = (version: string) => nodeSuffices(version, '22.18.0')
  assert.deepEqual(['22.18.0', '22.20.1', '23.6.0', '24.0.0', '26.1.0'].map(suffices), Array(5).fill(true))
  assert.deepEqual(['18.20.4', '20.20.2', '22.17.9', '23.0.0', '23.5.0'].map(suffices), Array(5).fill(false))
})

test('Debian’s versions are compared without epoch and revision, number by number', () => {
  assert.equal(upstream('5:8.0.2-3+deb13u3'), '8.0.2')
  assert.equal(upstream('4.0.7-3~deb13u1'), '4.0.7')
  assert.equal(upstream('2.1.8'), '2.1.8')
  const pairs = [
    ['10.0', '9.9'],
    ['4.0.7', '4.0'],
    ['4.0', '4.0'],
    ['17.12', '17'],
  ] as const
  for (const [version, minimum] of pairs) assert.ok(atLeast(version, minimum), `${version} >= ${minimum}`)
  for (const [version, minimum] of [
    ['3.0.2', '4.0'],
    ['7.6.9', '7.7'],
    ['', '1'],
  ] as const)
    assert.ok(!atLeast(version, minimum), `${version} < ${minimum}`)
})

const target = (fields: Record<string, string>) =>
  Object.entries({
    MetaKey: 'main/binary-amd64/Packages',
    'Created-By': 'Packages',
    Component: 'main',
    ...fields,
  })
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')

test('on a Debian host, engines come from the host’s own mirror, with updates and security', () => {
  const targets = [
    target({ 'Repo-URI': 'https://packages.example/other/', Release: 'bookworm', Origin: 'Someone else' }),
    target({ 'Repo-URI': 'http://mirror.example/debian/', Release: 'bookworm-updates', Origin: 'Debian' }),
    target({ 'Repo-URI': 'http://mirror.example/debian/', Release: 'bookworm', Origin: 'Debian' }),
    target({ 'Repo-URI': 'http://mirror.example/sec/', Release: 'bookworm-security', Origin: 'Debian' }),
  ].join('\n\n')
  assert.deepEqual(debianSources(targets, 'debian', 'trixie'), [
    'deb http://mirror.example/debian/ trixie main',
    'deb http://mirror.example/debian/ trixie-updates main',
    'deb http://mirror.example/sec/ trixie-security main',
  ])
})

test('without downloaded lists, apt knows no origin, so the archive’s folder names decide', () => {
  const targets = [
    target({ 'Repo-URI': 'https://vendor.example/', Release: 'bookworm' }),
    target({ 'Repo-URI': 'cdrom:[Debian 12]/debian/', Release: 'bookworm' }),
    target({ 'Repo-URI': 'http://mirror.example/debian', Release: 'bookworm' }),
    target({ 'Repo-URI': 'http://mirror.example/debian-security/', Release: 'bookworm-security' }),
  ].join('\n\n')
  assert.deepEqual(debianSources(targets, 'debian', 'trixie').slice(1), [
    'deb http://mirror.example/debian trixie-updates main',
    'deb http://mirror.example/debian-security/ trixie-security main',
  ])
})

test('elsewhere, or without a Debian mirror, mmdebstrap’s defaults apply', () => {
  const ubuntu = target({ 'Repo-URI': 'http://mirror.example/ubuntu/', Release: 'noble', Origin: 'Ubuntu' })
  assert.deepEqual(debianSources(ubuntu, 'ubuntu', 'trixie'), [])
  assert.deepEqual(debianSources('', 'debian', 'trixie'), [])
})

test('the host’s proxy is used; apt’s own defaults are not', () => {
  const dump = `Acquire "";\nAcquire::AllowInsecureRepositories "0";\nAcquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";\nAcquire::https::CaInfo "/etc/ssl/own.pem";\nAcquire::Retries "3";\n`
  assert.deepEqual(fetchOptions(dump), [
    'Acquire::http::Proxy "http://proxy.example:3128";',
    'Acquire::https::CaInfo "/etc/ssl/own.pem";',
    'Acquire::Retries "3";',
  ])
})

test('the build command of the root has all packages, the mode and the sources', () => {
  const { engines } = readRequirements()
  const sources = ['deb http://mirror.example/debian trixie main']
  const build: string[] = mmdebstrap({ engines, mode: 'unshare', sources, fetch: ['Acquire::Retries "3";'] })
  assert.ok(build.includes('--mode=unshare') && build.includes('--aptopt=Acquire::Retries "3";'))
  assert.ok(build.includes(`--include=${engines.packages.join(',')}`))
  assert.deepEqual(build.slice(-3), ['trixie', '-', ...sources])
  // Without it, Patroni supports only consul and kubernetes, and its package does not depend on it.
  assert.ok(engines.packages.includes('python3-etcd'))
})

test('only installed packages count as packages of the root', () => {
  const status = `Package: knot\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.4.6-2

Package: bird2\nStatus: deinstall ok config-files\nVersion: 2.17-1\n`
  assert.deepEqual(installedPackages(status), { knot: '3.4.6-2' })
})

test('node_modules matches the lock file if every version does; packages of other platforms may be missing', () => {
  const pg = { version: '8.1.0', integrity: 'sha512-a' }
  const mac = { version: '1.0.0', optional: true }
  const lock = { packages: { '': {}, 'node_modules/pg': pg, 'node_modules/for-mac': mac } }
  assert.equal(packagesMatch(lock, { packages: { 'node_modules/pg': pg } }), true)
  assert.equal(packagesMatch(lock, { packages: { 'node_modules/pg': { ...pg, version: '8.0.0' } } }), false)
  assert.equal(
    packagesMatch(lock, { packages: { 'node_modules/pg': { ...pg, integrity: 'sha512-b' } } }),
    false,
  )
  assert.equal(packagesMatch(lock, { packages: {} }), false)
  assert.equal(packagesMatch(lock, { packages: { 'node_modules/pg': pg, 'node_modules/old': mac } }), false)
  assert.equal(packagesMatch(lock, undefined), false)
})

test('the lock file lists every optional package, without which npm ci refuses it', () => {
  const { packages } = JSON.parse(readFileSync(join(home, 'package-lock.json'), 'utf8'))
  for (const [path, { optionalDependencies = {} }] of Object.entries<{ optionalDependencies?: object }>(
    packages,
  ))
    for (const name of Object.keys(optionalDependencies))
      assert.ok(
        packages[`node_modules/${name}`] ?? packages[`${path}/node_modules/${name}`],
        `${name} of ${path}`,
      )
})

test('other systems and processors get the requirements', () => {
  const check = (machine: object) => () =>
    checkPlatform({ platform: 'linux', arch: 'x64', engineRoot: '/', ...machine })
  assert.throws(check({ platform: 'darwin' }), /this machine runs darwin, not Linux/)
  assert.throws(check({ arch: 'riscv64' }), /processor is riscv64/)
})

test('the cache belongs to the user, and a root’s name changes with its contents', () => {
  assert.equal(cacheDir({ HOME: '/home/ann' }), '/home/ann/.cache/nearside')
  assert.equal(cacheDir({ HOME: '/home/ann', XDG_CACHE_HOME: '/big' }), '/big/nearside')
  assert.equal(cacheDir({ HOME: '/home/ann', XDG_CACHE_HOME: 'relative' }), '/home/ann/.cache/nearside')
  const { engines } = readRequirements()
  const more = { ...engines, packages: [...engines.packages, 'bird2'] }
  assert.match(engineRootDir({ HOME: '/h' }, engines), /^\/h\/\.cache\/nearside\/engines-[0-9a-f]{12}$/)
  assert.notEqual(engineRootDir({ HOME: '/h' }, engines), engineRootDir({ HOME: '/h' }, more))
})

test('progress is one redrawn line on a terminal, and plain lines elsewhere', () => {
  const told = (isTTY: boolean) => {
    let [text, now] = ['', 0]
    const progress = new Progress({ isTTY, columns: 40, write: (more: string) => (text += more) }, () => now)
    progress.begin('engines', 'about a minute')
    progress.detail('unpacking a package with a rather long name')
    now = 12_300
    if (isTTY) progress.draw()
    progress.done()
    return text
  }
  assert.equal(
    told(false),
    'nearside set-up: engines ... (about a minute)\nnearside set-up: engines: done in 12 s\n',
  )
  const lines = told(true).split('\r\x1b[K')
  assert.deepEqual(
    lines.map((line) => line.length <= 39),
    lines.map(() => true),
  )
  assert.equal(lines.at(-1), 'nearside set-up: engines: done in 12 s\n')
  assert.match(lines[2] ?? '', /^nearside set-up: engines, 12 s - unpack/)
})

test('the set-up refuses a key that is no hash: a word would become the name of a file', () => {
  for (const word of ['--help', 'key', '']) {
    const cache = mkdtempSync(join(tmpdir(), 'nearside-key-'))
    const ran = spawnSync(process.execPath, [join(home, 'setup', 'main.mjs'), word], {
      env: { ...process.env, XDG_CACHE_HOME: cache },
      encoding: 'utf8',
    })
    assert.equal(ran.status, 2, ran.stderr)
    assert.match(ran.stderr, /not by hand/)
    assert.deepEqual(readdirSync(cache), [])
    rmSync(cache, { recursive: true })
  }
})

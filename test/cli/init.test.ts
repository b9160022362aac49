import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { refused } from '../../src/init/write.ts'
import { loadTopology } from '../../src/topology/load.ts'
import { pack, write } from '../init/samples.ts'
import { freeEndpoint, until } from '../support/sandboxed.ts'
import { folder } from '../topology/samples.ts'
import { nearside } from './here.ts'

test('in an app’s folder: writes a commented file that passes check, and lists findings and next steps', async (t) => {
  const at = write(folder(t), {
    ...pack({
      name: '@acme/Web Shop',
      scripts: { start: 'NODE_ENV=production node server.js', 'db:migrate': 'node migrate.js' },
    }),
    'server.js': `app.get('/health', () => {}); listen(process.env.PORT)`,
    'public/css/a.css': '',
    '.env': 'PORT=3000\nSESSION_SECRET=hunter2\n',
  })
  const { code, stdout, stderr } = await nearside(at, ['init'])
  assert.equal(stderr, '')
  assert.equal(code, 0)
  for (const line of [
    /^Wrote nearside\.config\.ts and nearside-env\.d\.ts\n/,
    /name "web-shop"/,
    /app\.command \["node","server\.js"\]/,
    /app\.health "\/health" \(server\.js\)/,
    /uncomment app\.release/,
    /nearside up/,
  ])
    assert.match(stdout, line)
  const text = readFileSync(join(at, 'nearside.config.ts'), 'utf8')
  assert.match(text, /\/\/ SESSION_SECRET: process\.env\.SESSION_SECRET/)
  assert.doesNotMatch(text + stdout, /hunter2/)
  assert.ok(text.match(/^ *\/\//gm)!.length > 8, 'it is commented')
  assert.deepEqual(
    readdirSync(at)
      .filter((name) => name.includes('nearside'))
      .sort(),
    ['nearside-env.d.ts', 'nearside.config.ts'],
    'no temporary file is left',
  )
  const { topology } = await loadTopology(at)
  assert.deepEqual(topology.app.command, ['node', 'server.js'])
  assert.deepEqual(topology.app.env, { NODE_ENV: 'production' })
  assert.deepEqual(topology.app.static, ['/css/*'])
  assert.equal((await nearside(at, ['check'])).code, 0)
})

test('overwrites nothing without --force, and with it only its own file', async (t) => {
  const at = write(folder(t), { 'server.js': '', 'nearside.config.ts': 'mine' })
  const refused = await nearside(at, ['init'])
  assert.deepEqual([refused.code, refused.stdout], [1, ''])
  assert.match(refused.stderr, /already exists\n {2}run `nearside init --force` to overwrite it/)
  assert.equal(readFileSync(join(at, 'nearside.config.ts'), 'utf8'), 'mine')
  assert.equal((await nearside(at, ['init', '--force'])).code, 0)
  assert.match(readFileSync(join(at, 'nearside.config.ts'), 'utf8'), /defineTopology/)

  const other = write(folder(t), { 'server.js': '', 'nearside.yaml': 'mine' })
  const json = await nearside(other, ['init', '--force', '--json'])
  assert.equal(json.code, 1)
  assert.equal(JSON.parse(json.stdout).error.code, 'init_exists')
  assert.deepEqual(readdirSync(other).sort(), ['nearside.yaml', 'server.js'])
})

test('a folder without a start command: writes nothing, and explains how to pass one', async (t) => {
  const at = write(folder(t), { 'README.md': '' })
  const refused = await nearside(at, ['init'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /nearside init -- node server\.js/)
  assert.deepEqual(readdirSync(at), ['README.md'])
  const said = await nearside(at, ['init', '--json', '--', 'sh', '-c', 'exec serve -p "$PORT"'])
  assert.equal(said.code, 0, said.stderr)
  assert.deepEqual((await loadTopology(at)).topology.app.command, ['sh', '-c', 'exec serve -p "$PORT"'])
  const { found, guessed, next } = JSON.parse(said.stdout)
  assert.ok(found.length > 0 && guessed.length > 0 && next.length > 0)
})

test('a folder of which the file system refuses a write is an error with reason and remedy', async (t) => {
  const at = write(folder(t), { 'server.js': '' })
  const refusals: [string, RegExp][] = [
    ['EROFS', /the file system is read-only\n.*copy the app to a writable folder/],
    ['ENOSPC', /the disk is full\n.*free some space/],
    ['EACCES', /permission denied\n.*grant this user access/],
  ]
  for (const [code, text] of refusals) {
    const error = Object.assign(new Error(`${code}: x, write`), {
      code,
      ...(code === 'ENOSPC' ? {} : { path: join(at, '.nearside-1.config.ts') }),
    })
    const { message, remedy } = refused('init_not_written', join(at, 'nearside.config.ts'), 'written', error)
    assert.match(`${message}\n${remedy}`, text)
    assert.ok(message.startsWith(`${join(at, 'nearside.config.ts')}: cannot be written: `), message)
  }
  const { stderr } = await nearside(at, ['init', '--folder', '/proc/self', '--', 'true'])
  assert.match(stderr, /^error: .*cannot be written: .*\n {2}\S/)
})

test('a missing or unwritable folder is an error without a stack', async (t) => {
  const at = write(folder(t), { 'server.js': '' })
  for (const name of ['absent', 'server.js', '/proc']) {
    const { code, stderr } = await nearside(at, ['init', '--folder', name, '--', 'true'])
    assert.equal(code, 1)
    assert.match(stderr, /^error: .*\n/)
    assert.doesNotMatch(stderr, /\n\s+at /)
  }
})

test('a folder of static files needs a server, and the example that init gives serves them', async (t) => {
  const at = write(folder(t), { 'public/index.html': '<p>hello' })
  const refused = await nearside(at, ['init'])
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /found only static files \(public\/index\.html\)/)
  const [, script = ''] = /nearside init -- sh -c '(.*)'/.exec(refused.stderr) ?? []
  assert.equal((await nearside(at, ['init', '--yaml', '--', 'sh', '-c', script])).code, 0)
  const { command } = (await loadTopology(at)).topology.app
  assert.deepEqual(command, ['sh', '-c', script])
  if (spawnSync('python3', ['--version']).status !== 0) return t.diagnostic('python3 is not installed')
  const { host, port } = await freeEndpoint()
  const server = spawn(command[0]!, command.slice(1), {
    cwd: at,
    env: { ...process.env, HOST: host, PORT: String(port) },
    stdio: 'ignore',
  })
  t.after(() => server.kill())
  await until(
    'the server to answer',
    async () => (await fetch(`http://${host}:${port}/`).catch(() => undefined))?.status === 200,
  )
})

test('static files in the folder itself are to be moved: the world’s passwords are below it', async (t) => {
  const at = write(folder(t), { 'index.html': '<p>hello' })
  const { stderr } = await nearside(at, ['init'])
  assert.match(stderr, /move the files into public\//)
  assert.match(stderr, /holds the world’s passwords/)
})

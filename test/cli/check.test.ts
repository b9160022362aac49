import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { changed, folder, sample } from '../topology/samples.ts'
import { nearside } from './here.ts'

test('a valid topology: a summary, exit 0', async (t) => {
  const at = folder(t)
  writeFileSync(
    join(at, 'nearside.config.ts'),
    `import { defineTopology } from 'nearside'\nexport default defineTopology(${JSON.stringify(sample)})`,
  )
  writeFileSync(join(at, 'server.ts'), '')
  const { code, stdout, stderr } = await nearside(at, ['check'])
  assert.equal(stderr, '')
  assert.match(stdout, /^nearside\.config\.ts: ok\n/)
  assert.match(stdout, /us-west +full +127\.77\.2\.1 +45\.84, -119\.7\n/)
  assert.equal(code, 0)
})

test('an invalid topology: every problem with its remedy on stderr, nothing on stdout, exit 1', async (t) => {
  const at = folder(t)
  mkdirSync(join(at, 'deploy'))
  writeFileSync(
    join(at, 'deploy', 'nearside.yaml'),
    stringify(changed({ name: 'A B', instnces: 2, 'app.command': ['no-such-program'] })),
  )
  const { code, stdout, stderr } = await nearside(at, ['check', 'deploy/nearside.yaml'])
  assert.equal(stdout, '')
  assert.match(
    stderr,
    /^deploy\/nearside\.yaml: 3 problems\nerror: name \(line 1, column 1\): expected a name of a-z.*\n {2}write "a-b"\nerror: /,
  )
  assert.equal(stderr.match(/^error: /gm)?.length, 3)
  assert.equal(code, 1)
})

test('--json: one document, valid or not', async (t) => {
  const at = folder(t)
  writeFileSync(
    join(at, 'nearside.yaml'),
    stringify(changed({ 'app.env': { TOKEN: 'hunter2' }, steering: undefined })),
  )
  const good = await nearside(at, ['check', '--json', '--no-files'])
  const answer = JSON.parse(good.stdout)
  assert.equal(answer.ok, true)
  assert.match(answer.revision, /^[0-9a-f]{64}$/)
  assert.deepEqual(
    answer.regions.map(({ name }: { name: string }) => name),
    ['us-east', 'us-west', 'us-central'],
  )
  assert.equal(answer.warnings[0].path, 'steering.geoip')
  assert.doesNotMatch(good.stdout, /hunter2/)
  assert.deepEqual([good.code, good.stderr], [0, ''])

  const bad = await nearside(at, ['check', 'nowhere.yaml', '--json'])
  assert.equal(JSON.parse(bad.stdout).error.code, 'topology_not_found')
  assert.deepEqual([bad.code, bad.stderr], [1, ''])
})

test('--strict: a warning is an error', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.yaml'), stringify(changed({ steering: undefined })))
  const lax = await nearside(at, ['check', '--no-files', '--topology', 'nearside.yaml'])
  assert.deepEqual(
    [lax.code, /ok, 1 warning/.test(lax.stdout), /^warning: steering\.geoip: /.test(lax.stderr)],
    [0, true, true],
  )
  assert.equal((await nearside(at, ['check', '--no-files', '--strict'])).code, 1)
})

test('--help has an example and the exit codes; FORCE_COLOR enables colour and NO_COLOR disables it', async (t) => {
  const at = folder(t)
  const help = await nearside(at, ['check', '--help'])
  assert.match(help.stdout, /Examples:\n {2}nearside check/)
  assert.match(help.stdout, /Exit codes: 0 /)
  const red = await nearside(at, ['check'], { FORCE_COLOR: '1' })
  assert.ok(red.stderr.includes('\u001b[31m'))
  assert.ok(!(await nearside(at, ['check'], { FORCE_COLOR: '1', NO_COLOR: '1' })).stderr.includes('\u001b'))
})

test('arguments and options that exclude each other are errors, and none is ignored', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.yaml'), stringify(changed()))
  writeFileSync(join(at, 'server.ts'), '')
  for (const args of [
    ['check', 'nearside.yaml', '--topology', 'nearside.yaml'],
    ['check', '--world', 'shop'],
    ['init', '--topology', 'x'],
    ['init', '--editor', '--force'],
    ['init', '--editor', 'node', 'x.js'],
    ['drill', '--list', 'lose-region'],
    ['lab', 'fault', '--list', 'kill-region'],
    ['lab', 'fault', '--list', '--heal'],
    ['up', '--world', 'shopp'],
  ]) {
    const { code, stderr } = await nearside(at, args)
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, /\n {2}(see `nearside|leave --world out)/, args.join(' '))
  }
})

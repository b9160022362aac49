import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { loadTopology } from '../../src/topology/load.ts'
import { folder } from '../topology/samples.ts'
import { nearside } from './here.ts'

const compiler = join(import.meta.dirname, '../../node_modules/typescript/bin/tsc')

/** The output of `tsc` for a folder, with its tsconfig.json or for one file. */
function typeCheck(at: string, args: string[] = ['nearside.config.ts']): string {
  const words = [compiler, '--noEmit', '--pretty', 'false', ...args]
  return spawnSync(process.execPath, words, { cwd: at, encoding: 'utf8' }).stdout
}

function app(at: string, files: Record<string, string> = {}): string {
  for (const [name, text] of Object.entries({ 'server.js': 'listen(process.env.PORT)', ...files })) {
    mkdirSync(dirname(join(at, name)), { recursive: true })
    writeFileSync(join(at, name), text)
  }
  return at
}

const names = (at: string) =>
  readdirSync(at)
    .filter((name) => name.startsWith('nearside'))
    .sort()

const tsconfig = (options: object) =>
  JSON.stringify({ compilerOptions: { strict: true, noEmit: true, types: [], ...options } })

const settings: [what: string, tsconfig: string][] = [
  ['nodenext', tsconfig({ module: 'nodenext' })],
  [
    'a bundler',
    tsconfig({ module: 'esnext', moduleResolution: 'bundler', exactOptionalPropertyTypes: true }),
  ],
  ['its own verbatim syntax', tsconfig({ module: 'preserve', verbatimModuleSyntax: true })],
]

test('even without the package in reach, tsc knows the topology’s keys', async (t) => {
  const at = app(folder(t))
  assert.equal((await nearside(at, ['init'])).code, 0)
  assert.deepEqual(names(at), ['nearside-env.d.ts', 'nearside.config.ts'])
  assert.equal(typeCheck(at), '')
  for (const [what, text] of settings) {
    writeFileSync(join(at, 'tsconfig.json'), text)
    assert.equal(typeCheck(at, ['-p', '.']), '', what)
  }
})

test('a wrong key is an error for tsc at the key', async (t) => {
  const at = app(folder(t))
  await nearside(at, ['init'])
  const file = join(at, 'nearside.config.ts')
  writeFileSync(file, readFileSync(file, 'utf8').replace('instances: 2', `instances: 'two'`))
  assert.match(typeCheck(at), /^nearside\.config\.ts\(\d+,\d+\): error TS2322: Type 'string'/)
  writeFileSync(file, readFileSync(file, 'utf8').replace(`instances: 'two'`, 'instnaces: 2'))
  assert.match(typeCheck(at), /TS2561: .*'instnaces' does not exist .*'instances'/)
})

test('with the package in reach, in the folder or above, nothing else is written', async (t) => {
  const above = folder(t)
  app(join(above, 'packages/shop'))
  mkdirSync(join(above, 'node_modules/nearside'), { recursive: true })
  writeFileSync(join(above, 'node_modules/nearside/package.json'), '{"name":"nearside"}')
  writeFileSync(join(above, 'node_modules/nearside/topology.schema.json'), '{}')
  const at = join(above, 'packages/shop')
  assert.match((await nearside(at, ['init'])).stdout, /^Wrote nearside\.config\.ts\n/)
  assert.deepEqual(names(at), ['nearside.config.ts'])
  assert.match(readFileSync(join(at, 'nearside.config.ts'), 'utf8'), /^import \{ defineTopology \}/)

  const other = app(join(above, 'packages/blog'))
  assert.equal((await nearside(other, ['init', '--yaml'])).code, 0)
  assert.deepEqual(names(other), ['nearside.yaml'])
  assert.match(
    readFileSync(join(other, 'nearside.yaml'), 'utf8'),
    /^# yaml-language-server: \$schema=\.\.\/\.\.\/node_modules\/nearside\/topology\.schema\.json\n/,
  )
})

test('--yaml: the file passes check, and the schema that it names accepts it', async (t) => {
  const at = app(folder(t), {
    'package.json': JSON.stringify({ name: 'shop', scripts: { start: 'A=yes node server.js "a: b"' } }),
    '.env': 'SECRET=x\n',
  })
  const { code, stdout, stderr } = await nearside(at, ['init', '--yaml'])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^Wrote nearside\.yaml and nearside\.schema\.json\n/)
  const text = readFileSync(join(at, 'nearside.yaml'), 'utf8')
  const [, named] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? []
  const schema = JSON.parse(readFileSync(join(at, named!), 'utf8'))
  const accepts = new Ajv({ allowUnionTypes: true, formats: { ipv4: true } }).compile(schema)
  assert.ok(accepts(parse(text)), JSON.stringify(accepts.errors))
  const { topology } = await loadTopology(at)
  assert.deepEqual(topology.app.command, ['node', 'server.js', 'a: b'])
  assert.deepEqual(topology.app.env, { A: 'yes' })
  assert.match(text, /^ {4}# SECRET: ''$/m)
  assert.equal((await nearside(at, ['check', '--strict'])).code, 0)
})

test('both forms are equivalent', async (t) => {
  const [first, second] = [app(folder(t)), app(folder(t))]
  const start = ['--', 'node', 'server.js']
  await nearside(first, ['init', ...start])
  await nearside(second, ['init', '--yaml', ...start])
  const [typescript, yaml] = [await loadTopology(first), await loadTopology(second)]
  const { name, domain, ...rest } = typescript.topology
  assert.deepEqual({ ...yaml.topology, name, domain }, { name, domain, ...rest })
})

test('an editor file of another version is a warning of check, and init --editor renews it', async (t) => {
  for (const [args, name] of [
    [[], 'nearside-env.d.ts'],
    [['--yaml'], 'nearside.schema.json'],
  ] as const) {
    const at = app(folder(t))
    await nearside(at, ['init', ...args])
    assert.equal((await nearside(at, ['check', '--strict'])).code, 0)
    const now = readFileSync(join(at, name), 'utf8')
    // Ignore changes by a formatter.
    writeFileSync(join(at, name), now.replaceAll('  ', '\t'))
    assert.equal((await nearside(at, ['check', '--strict'])).code, 0)
    writeFileSync(join(at, name), now.replace(/contract \w+/, 'contract 0123456789ab'))
    const old = await nearside(at, ['check'])
    assert.equal(old.code, 0)
    assert.match(
      old.stderr,
      new RegExp(
        `warning: ${name} has the keys of another version of Nearside\\n +run .nearside init --editor.`,
      ),
    )
    const topology = readFileSync(join(at, names(at).find((one) => one !== name)!), 'utf8')
    assert.match((await nearside(at, ['init', '--editor'])).stdout, new RegExp(`^Wrote ${name}\\n$`))
    assert.equal(readFileSync(join(at, name), 'utf8'), now)
    assert.equal(readFileSync(join(at, names(at).find((one) => one !== name)!), 'utf8'), topology)
    assert.equal((await nearside(at, ['check', '--strict'])).code, 0)
  }
})

test('init --editor shows the line that a topology file lacks, and needs a topology file', async (t) => {
  const at = app(folder(t))
  assert.equal((await nearside(at, ['init', '--editor'])).code, 1)
  writeFileSync(join(at, 'nearside.config.mts'), 'export default {}')
  const { stdout } = await nearside(at, ['init', '--editor'])
  assert.match(
    stdout,
    /let nearside\.config\.mts begin with: \/\/\/ <reference path="\.\/nearside-env\.d\.ts" \/>/,
  )
})

test('a file of a person’s own is not overwritten', async (t) => {
  const at = app(folder(t), { 'nearside-env.d.ts': 'declare const mine: 1\n' })
  const { code, stderr } = await nearside(at, ['init', '--force'])
  assert.equal(code, 1)
  assert.match(stderr, /nearside-env\.d\.ts exists and was not written by nearside init/)
  assert.deepEqual(names(at), ['nearside-env.d.ts'])
  assert.equal(readFileSync(join(at, 'nearside-env.d.ts'), 'utf8'), 'declare const mine: 1\n')
})

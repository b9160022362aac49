import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

/** Files and folders of src/, as docs/internals/architecture.md has them: each uses only what stands before it. */
const layers =
  'lib geo topology init plan.ts steering failover engines compile.ts agent world lab cli index.ts'.split(' ')

const home = join(import.meta.dirname, '..')
const files = new Set(globSync('{src,bench,test}/**/*.ts', { cwd: home }))

/** What a file imports of the others, types too. */
const imports = new Map([...files].map((file) => [file, importsOf(file)]))

function importsOf(file: string): string[] {
  const words = readFileSync(join(home, file), 'utf8').matchAll(/\b(?:from|import)[\s(]*'(\.[^']+)'/g)
  return [...words].map(([, path]) => join(dirname(file), path!)).filter((path) => files.has(path))
}

test('nothing imports what stands above it', () => {
  const layerOf = (file: string) => {
    const [top, name] = file.split('/')
    const layer = layers.indexOf(name!)
    assert.ok(top !== 'src' || layer !== -1, `${file}: in which layer is it?`)
    return top === 'src' ? layer : layers.length
  }
  for (const [file, imported] of imports)
    for (const other of imported) assert.ok(layerOf(other) <= layerOf(file), `${file} imports ${other}`)
})

test('no import leads back to where it came from', () => {
  const without = new Set<string>()
  const follow = (file: string, way: readonly string[]) => {
    assert.ok(!way.includes(file), [...way.slice(way.indexOf(file)), file].join(' > '))
    if (without.has(file)) return
    for (const next of imports.get(file)!) follow(next, [...way, file])
    without.add(file)
  }
  for (const file of files) follow(file, [])
})

/** What loading a file loads: static imports that are not only for types. */
function loadedWith(file: string, found = new Set<string>()): Set<string> {
  if (found.has(file)) return found
  found.add(file)
  const words = readFileSync(join(home, file), 'utf8').matchAll(
    /^(?:import|export)\b(?! type\b)(?:[^'"]*\bfrom)?\s*'(\.[^']+)'/gm,
  )
  for (const [, path] of words) {
    const next = join(dirname(file), path!)
    if (files.has(next)) loadedWith(next, found)
  }
  return found
}

test('only commands that rehearse, and the doctor, load the lab', () => {
  const program = readFileSync(join(home, 'src/cli/program.ts'), 'utf8')
  const commands = [...program.matchAll(/(\w+): async \(\) => \(await import\('\.\/([^']+)'\)\)/g)]
  const withLab = commands.flatMap(([, name, file]) =>
    [...loadedWith(`src/cli/${file}`)].some((one) => one.startsWith('src/lab/')) ? [name] : [],
  )
  assert.ok(commands.length >= 13, 'every command is found')
  // `lab` itself only names its subcommands.
  assert.deepEqual(withLab, ['doctor', 'drill'])
  assert.ok([...loadedWith('src/cli/lab/fault.ts')].some((one) => one.startsWith('src/lab/faults/drivers/')))
  assert.ok([...loadedWith('src/cli/main.ts')].every((one) => !one.startsWith('src/lab/')))
})

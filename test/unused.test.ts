import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { callableMembers, Program } from './support/program.ts'

/**
 * Nothing is kept that nobody uses. Tests are no users: what only they call either goes, or stands below with the reason
 * why it stays. A type may be exported for a test, which makes values of it.
 */

const pure = 'decides or says something without the I/O around it, and is tested so'
const bound = 'a test measures against it'

const exportedForTests: Record<string, string> = {}

const members: Record<string, string> = {
  'src/lab/users/report/markup.ts Markup.toString': 'called by templates',
}

const home = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(home, file), 'utf8')
const code = globSync(['{src,bench,scripts,examples,setup,test}/**/*.{ts,js,mjs}', 'bin/*'], { cwd: home })
const isTest = (file: string) => file.startsWith('test/')
/** Packages are entered here: users import what it exports. */
const entry = 'src/index.ts'

type Export = { name: string; isType: boolean }

const listed = (list: string): Export[] =>
  list
    .split(',')
    .map((word) => word.trim().split(' as ')[0]!)
    .filter((word) => word !== '')
    .map((word) => ({ name: word.replace(/^type /, ''), isType: word.startsWith('type ') }))

function exportsOf(file: string): Export[] {
  const text = read(file)
  const declared = text.matchAll(/^export (?:async )?(function\*?|class|const|let|type|interface) (\w+)/gm)
  const lists = text.matchAll(/^export (type )?\{([^}]*)\}/gm)
  return [
    ...[...declared].map(([, kind, name]) => ({
      name: name!,
      isType: kind === 'type' || kind === 'interface',
    })),
    ...[...lists].flatMap(([, type, list]) =>
      listed(list!).map((one) => ({ ...one, isType: one.isType || type !== undefined })),
    ),
  ]
}

/** What a file takes from others: names by file. From what it loads as a whole, whatever word it says. */
function importsOf(file: string): [from: string, names: string[]][] {
  const text = read(file)
  const path = (relative: string) => join(dirname(file), relative)
  const named = text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)'/gm)
  const whole = [...text.matchAll(/(?:\* (?:as \w+ )?from |\bimport\()'(\.[^']+)'/g)]
  const words = whole.length === 0 ? [] : [...new Set(text.match(/\w+/g))]
  return [
    ...[...named].map(([, list, from]): [string, string[]] => [
      path(from!),
      listed(list!).map(({ name }) => name),
    ]),
    ...whole.map(([, from]): [string, string[]] => [path(from!), words]),
  ]
}

test('every export of src is imported, functions, classes and constants outside tests', () => {
  const importers = new Map<string, { outside: Set<string>; all: Set<string> }>()
  for (const file of code)
    for (const [from, names] of importsOf(file)) {
      const known = importers.get(from) ?? { outside: new Set(), all: new Set() }
      importers.set(from, known)
      for (const name of names) {
        known.all.add(name)
        if (!isTest(file)) known.outside.add(name)
      }
    }
  const sources = code.filter((file) => /^src\/.*(?<!\.d)\.ts$/.test(file) && file !== entry)
  const unused = sources.flatMap((file) =>
    exportsOf(file)
      .filter(({ name, isType }) => !importers.get(file)?.[isType ? 'all' : 'outside'].has(name))
      .map(({ name }) => `${file} ${name}`),
  )
  assert.deepEqual(unused.sort(), Object.keys(exportedForTests).sort())
  // What only tests use has a use in its own file as well, or it would be theirs.
  for (const one of unused) {
    const [file, name] = one.split(' ') as [string, string]
    assert.ok(read(file).match(new RegExp(`\\b${name}\\b`, 'g'))!.length > 1, `${one}: nothing uses it`)
  }
})

test('every method, and every function that a type has, is called outside tests', () => {
  const program = new Program()
  try {
    const all = [...program.files]
      .filter(([path]) => path.startsWith('src/'))
      .flatMap(([path, file]) => callableMembers(file).map((one) => ({ path, ...one })))
    assert.ok(all.length > 200, `${all.length} members`)
    const unread = new Set(
      program.unread(
        all.map(({ name }) => name),
        (path) => !isTest(path),
      ),
    )
    const unused = all.filter(({ name }) => unread.has(name))
    assert.deepEqual(
      unused.map(({ path, owner, name }) => `${path} ${owner}.${name.getText()}`),
      Object.keys(members),
    )
  } finally {
    program.close()
  }
})

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const home = join(import.meta.dirname, '..')
const read = (file: string) => readFileSync(join(home, file), 'utf8')

/** Whoever may be the reason for an export; tests are not. */
const users = globSync(['{src,bench,scripts,examples,setup}/**/*.{ts,js,mjs}', 'bin/*'], { cwd: home })
const sources = users.filter((file) => file.startsWith('src/') && !file.endsWith('.d.ts'))

/** Exports that nothing but tests imports, each with its reason. */
const exceptions: Record<string, string> = {}

const namesIn = (list: string) =>
  list
    .split(',')
    .map(
      (name) =>
        name
          .trim()
          .replace(/^type /, '')
          .split(' as ')[0]!,
    )
    .filter((name) => name !== '')

function exportsOf(file: string): string[] {
  const text = read(file)
  const declared = text.matchAll(
    /^export (?:async )?(?:function\*? |class |const |let |type |interface )(\w+)/gm,
  )
  const listed = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) => namesIn(list!))
  return [...[...declared].map(([, name]) => name!), ...listed]
}

/** What a file takes from others: names by file. From what it loads later, whatever word it says. */
function importsOf(file: string): [from: string, names: string[]][] {
  const text = read(file)
  const path = (relative: string) => join(dirname(file), relative)
  const named = [...text.matchAll(/^(?:import|export) (?:type )?\{([^}]*)\} from '(\.[^']+)'/gm)]
  const whole = [...text.matchAll(/(?:\* (?:as \w+ )?from |\bimport\()'(\.[^']+)'/g)]
  const words = whole.length === 0 ? [] : [...new Set(text.match(/\w+/g))]
  return [
    ...named.map(([, list, from]): [string, string[]] => [path(from!), namesIn(list!)]),
    ...whole.map(([, from]): [string, string[]] => [path(from!), words]),
  ]
}

test('every export of src has an import outside tests', () => {
  const imported = new Map<string, Set<string>>()
  for (const [from, names] of users.flatMap(importsOf))
    imported.set(from, new Set([...(imported.get(from) ?? []), ...names]))
  const unused = sources.flatMap((file) =>
    exportsOf(file)
      .filter((name) => !imported.get(file)?.has(name))
      .map((name) => `${file} ${name}`),
  )
  console.log(unused.join('\n'))
  assert.deepEqual(unused, Object.keys(exceptions))
})

import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const home = join(import.meta.dirname, '..')

/**
 * What a test is about: `test/lab/drill` is about `src/lab/drill`. `''` stands for the project as a whole; folders that
 * are not in `src` are about the folder of that name.
 */
function subjectOf(file: string): string {
  const [, ...rest] = dirname(file).split('/')
  const [first = ''] = rest
  if (first === 'docs' || first === 'package') return ''
  if (first === 'support') return join('test', ...rest)
  return ['bench', 'examples', 'scripts', 'setup'].includes(first) ? join(...rest) : join('src', ...rest)
}

const importsOf = (file: string): string[] =>
  [...readFileSync(join(home, file), 'utf8').matchAll(/\bfrom '(\.[^']+)'/g)].map(([, path]) =>
    join(dirname(file), path!),
  )

/** With what the files of test/ import that help it. */
const reachedBy = (file: string): string[] =>
  importsOf(file).flatMap((path) =>
    path.startsWith('test/') && existsSync(join(home, path)) ? [path, ...reachedBy(path)] : [path],
  )

/** They run a program or an engine as a whole; what they import of other folders only helps to look at it. */
const wholes = [
  'test/cli/init-editor.test.ts',
  'test/cli/lab/interrupt.test.ts',
  'test/cli/switchover.test.ts',
  'test/engines/varnish/cache.test.ts',
]

test('a test lies where what it tests lies', () => {
  const astray = globSync('test/**/*.test.ts', { cwd: home }).flatMap((file) => {
    const subject = subjectOf(file)
    if (subject === '' || wholes.includes(file)) return []
    if (!existsSync(join(home, subject))) return [`${file}: there is no ${subject}`]
    // One that imports nothing but helpers runs what they start.
    const isWhole = importsOf(file).every((path) => path.startsWith('test/'))
    const isHere = reachedBy(file).some((path) => path.startsWith(`${subject}/`))
    return isWhole || isHere ? [] : [`${file} imports nothing of ${subject}`]
  })
  assert.deepEqual(astray, [])
})

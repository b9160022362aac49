import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'

const home = join(import.meta.dirname, '..')

/** `test/lab/drill` is about `src/lab/drill`; `test/bench`, `examples`, `scripts`, `setup` and `support` about what is called so. */
function subjectOf(file: string): string {
  const [, ...rest] = dirname(file).split('/')
  const [first = ''] = rest
  if (first === 'support') return join('test', ...rest)
  if (first === 'package') return ''
  return ['bench', 'examples', 'scripts', 'setup'].includes(first) ? join(...rest) : join('src', ...rest)
}

/** What it imports, itself or by the files beside it that help it. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(home, file), 'utf8')
  const imported = [...text.matchAll(/\bfrom '(\.[^']+)'/g)].map(([, path]) => join(dirname(file), path!))
  return imported.flatMap((path) =>
    dirname(path) === dirname(file) && existsSync(join(home, path)) ? [path, ...importsOf(path)] : [path],
  )
}

/** Run a program or an engine as a whole; what they import of other folders only helps to look at it. */
const wholes = [
  'test/agent/supervision/supervisor.test.ts',
  'test/cli/init-editor.test.ts',
  'test/cli/lab/interrupt.test.ts',
  'test/cli/switchover.test.ts',
  'test/engines/varnish/cache.test.ts',
]

test('a test lies where what it tests lies', () => {
  const astray = globSync('test/**/*.test.ts', { cwd: home }).flatMap((file) => {
    const subject = subjectOf(file)
    if (!existsSync(join(home, subject))) return [`${file}: there is no ${subject}`]
    const tested = importsOf(file).filter((path) => !path.startsWith('test/') || subject.startsWith('test/'))
    const isHere =
      tested.length === 0 || subject === '' || tested.some((path) => path.startsWith(`${subject}/`))
    return isHere || wholes.includes(file) ? [] : [`${file} imports nothing of ${subject}`]
  })
  assert.deepEqual(astray, [])
})

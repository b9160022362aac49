import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadTopology } from '../../src/topology/load.ts'
import { TopologyError } from '../../src/topology/problems.ts'
import { folder } from './samples.ts'

const toml = 'name = "shop"\n\n[regions.us-east]\nrole = "full"\n'
const bomb = [
  'a: &a [x, x, x, x, x, x, x, x, x]',
  ...'bcdefg'
    .split('')
    .map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdef'[i]}`).join(', ')}]`),
].join('\n')

/** Files that cannot be a topology: name, content, expected error code, message and remedy. */
const files: [
  what: string,
  name: string,
  content: string | Buffer,
  code: string,
  message: RegExp,
  remedy?: RegExp,
][] = [
  ['a TOML file', 'nearside.toml', toml, 'topology_format', /got a \.toml file/, /nearside init/],
  ['TOML under YAML’s name', 'nearside.yaml', toml, 'topology_syntax', /./, /looks like TOML/],
  [
    'a JSON file',
    'nearside.json',
    '{}',
    'topology_format',
    /got a \.json file/,
    /rename it to nearside\.yaml/,
  ],
  ['a JSON5 file', 'nearside.json5', '{a: 1}', 'topology_format', /\.json5/, /export default/],
  [
    'a file without an extension',
    'nearside',
    'name: x',
    'topology_format',
    /expected nearside\.config\.ts .* or nearside\.yaml .*without an extension/,
    /^pass a topology file, or the folder that contains one$/,
  ],
  ['an empty YAML file', 'nearside.yaml', '', 'topology_syntax', /the file is empty/],
  ['an empty TypeScript file', 'nearside.config.ts', ' \n', 'topology_syntax', /the file is empty/],
  ['YAML with only comments', 'nearside.yaml', '# later\n', 'topology_syntax', /only comments/],
  ['a YAML list', 'nearside.yaml', '- a\n', 'topology_syntax', /got a list/],
  ['a YAML scalar', 'nearside.yaml', 'hello', 'topology_syntax', /a single value/],
  [
    'binary data as YAML',
    'nearside.yaml',
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0]),
    'topology_unreadable',
    /binary data/,
  ],
  [
    'binary data as TypeScript',
    'nearside.config.ts',
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe, 0]),
    'topology_unreadable',
    /binary data/,
  ],
  ['text with NULs', 'nearside.yaml', 'name: a\0b\n', 'topology_unreadable', /binary data/],
  [
    'UTF-16',
    'nearside.yaml',
    Buffer.from('\ufeffname: x', 'utf16le'),
    'topology_unreadable',
    /UTF-16/,
    /UTF-8/,
  ],
  [
    '10 MB',
    'nearside.yaml',
    Buffer.alloc(10 * 1024 ** 2, 'a'),
    'topology_unreadable',
    /at most 256 KB, got 10240 KB/,
  ],
  [
    '10 MB of TypeScript',
    'nearside.config.ts',
    Buffer.alloc(10 * 1024 ** 2, ' '),
    'topology_unreadable',
    /at most 256 KB/,
  ],
  ['broken YAML', 'nearside.yaml', 'a: 1\nb: [1,\n', 'topology_syntax', /not valid YAML/],
  ['a duplicate key', 'nearside.yaml', 'name: a\nname: b\n', 'topology_syntax', /duplicate key/, /keep one/],
  [
    'two YAML documents',
    'nearside.yaml',
    'name: a\n---\nname: b\n',
    'topology_syntax',
    /one document/,
    /---/,
  ],
  ['tabs in YAML', 'nearside.yaml', 'app:\n\tcommand: [x]\n', 'topology_syntax', /[Tt]abs/, /spaces/],
  ['a YAML alias bomb', 'nearside.yaml', bomb, 'topology_syntax', /alias count/],
  [
    'a YAML alias inside its own anchor',
    'nearside.yaml',
    'a: &a [*a]\n',
    'topology_syntax',
    /the alias \*a is inside its own anchor/,
  ],
  ['a YAML alias without an anchor', 'nearside.yaml', 'a: *nothing\n', 'topology_syntax', /nothing/],
  [
    'a YAML tag that other parsers execute',
    'nearside.yaml',
    'a: !!js/function x\n',
    'topology_syntax',
    /tag/,
  ],
  [
    'YAML nested 100,000 levels deep',
    'nearside.yaml',
    `a: ${'['.repeat(100_000)}`,
    'topology_syntax',
    /nested too deeply/,
  ],
  [
    'a syntax error in TypeScript',
    'nearside.config.ts',
    '\nexport default { a: 1\n',
    'topology_syntax',
    /syntax error: .*got '<eof>'/,
  ],
  [
    'a syntax error in JavaScript',
    'nearside.config.mjs',
    'export default { a: 1',
    'topology_syntax',
    /syntax error/,
  ],
  [
    'YAML under TypeScript’s name',
    'nearside.config.ts',
    'name: shop\nregions:\n  a: 1\n  b: {}\n',
    'topology_syntax',
    /./,
  ],
  [
    'JSON under TypeScript’s name',
    'nearside.config.ts',
    '{"name": "shop"}',
    'topology_syntax',
    /syntax error/,
  ],
  [
    'TypeScript that cannot be stripped',
    'nearside.config.ts',
    'enum A { B }\nexport default {}',
    'topology_syntax',
    /enum/,
    /no enums/,
  ],
  [
    'no default export',
    'nearside.config.ts',
    'export const topology = {}',
    'topology_syntax',
    /the file exports only topology/,
    /export default/,
  ],
  [
    'a file without exports',
    'nearside.config.ts',
    'const topology = {}',
    'topology_syntax',
    /exports nothing/,
  ],
  ['a function', 'nearside.config.ts', 'export default () => ({})', 'topology_syntax', /got a function/],
  [
    'a promise',
    'nearside.config.ts',
    'export default Promise.resolve({})',
    'topology_syntax',
    /got a promise/,
    /await/,
  ],
  ['null', 'nearside.config.ts', 'export default null', 'topology_syntax', /got null/],
  ['a list', 'nearside.config.ts', 'export default [1]', 'topology_syntax', /got a list/],
  ['a string', 'nearside.config.ts', 'export default "hello"', 'topology_syntax', /got "hello"/],
  [
    'code that throws',
    'nearside.config.ts',
    '\nthrow new TypeError("no such luck")',
    'topology_syntax',
    /failed while running: no such luck/,
  ],
  [
    'code that throws a number',
    'nearside.config.ts',
    'throw 5',
    'topology_syntax',
    /failed while running: 5/,
  ],
  [
    'code that throws undefined',
    'nearside.config.ts',
    'throw undefined',
    'topology_syntax',
    /failed while running/,
  ],
  [
    'code that exits the process',
    'nearside.config.ts',
    'process.exit(0)\nexport default {}',
    'topology_syntax',
    /failed while running: it called process\.exit\(0\)/,
  ],
  [
    'an import of a missing package',
    'nearside.config.ts',
    'import x from "nothing-like-it"\nexport default x',
    'topology_syntax',
    /Cannot find package 'nothing-like-it'$/,
    /install it/,
  ],
  [
    'an import that nearside does not have',
    'nearside.config.ts',
    'import { deploy } from "nearside"\nexport default deploy',
    'topology_syntax',
    /deploy/,
  ],
  [
    'a getter that throws',
    'nearside.config.ts',
    'export default { get name() { throw new Error("gotcha") } }',
    'topology_syntax',
    /failed while being read: gotcha/,
  ],
  [
    'a proxy that throws',
    'nearside.config.ts',
    'export default new Proxy({}, { get() { throw null }, ownKeys() { throw null } })',
    'topology_syntax',
    /./,
  ],
  [
    'a structure that contains itself',
    'nearside.config.ts',
    'const o: any = { name: "x" }; o.app = o; o.regions = o\nexport default o',
    'topology_invalid',
    /./,
  ],
  ['a class', 'nearside.config.ts', 'export default new Map([["name", "x"]])', 'topology_invalid', /./],
]

async function refuse(path: string, timeoutMs?: number): Promise<TopologyError> {
  try {
    await loadTopology(path, { files: false, timeoutMs })
  } catch (error) {
    assert.ok(error instanceof TopologyError, `${String(error)} is thrown`)
    assert.doesNotMatch(error.message, /\n {4}at |node:internal|file:\/\//, 'no stack')
    assert.ok(error.problems.length > 0)
    return error
  }
  assert.fail(`${path} was accepted`)
}

for (const [what, name, content, code, message, remedy] of files)
  test(`refused with a single TopologyError: ${what}`, async (t) => {
    const file = join(folder(t), name)
    writeFileSync(file, content)
    const error = await refuse(file)
    assert.equal(error.code, code, error.message)
    assert.match(error.problems[0]!.message, message)
    if (remedy) assert.match(error.problems[0]!.remedy ?? '', remedy)
    assert.equal(error.file, file)
  })

test('syntax errors and exceptions name their line', async (t) => {
  const file = join(folder(t), 'nearside.config.ts')
  for (const text of [
    '// a\n// b\nexport default { a: 1 b }',
    '// a\n// b\nthrow new Error("x")',
    '// a\n// b\nexport default { a: undefinedName }',
  ]) {
    writeFileSync(file, text)
    assert.equal((await refuse(file)).problems[0]?.line, 3, text)
  }
})

test('code that awaits a promise which never settles is stopped after the timeout', async (t) => {
  const file = join(folder(t), 'nearside.config.ts')
  writeFileSync(file, 'await new Promise(() => {})\nexport default {}')
  assert.match((await refuse(file, 200)).message, /did not finish within 0.2 s/)
})

test('folders, devices, pipes and missing files are refused without being read', async (t) => {
  const at = folder(t)
  mkdirSync(join(at, 'nearside.config.ts'))
  assert.match((await refuse(at)).message, /expected a file, found a folder/)
  assert.match((await refuse(join(at, 'nearside.config.ts'))).message, /found a folder/)
  assert.match((await refuse('/dev/zero')).message, /found a device/)
  execFileSync('mkfifo', [join(at, 'pipe.yaml')])
  assert.match((await refuse(join(at, 'pipe.yaml'))).message, /a pipe/)
  symlinkSync('loop.yaml', join(at, 'loop.yaml'))
  assert.match((await refuse(join(at, 'loop.yaml'))).message, /too many levels of symbolic links/)
  for (const path of [
    join(at, 'absent.yaml'),
    '',
    'a\0b',
    join(at, 'x'.repeat(300)),
    join(at, 'absent', 'nearside.yaml'),
  ])
    await refuse(path)
})

test('a file with a similar name in the folder is named in the error', async (t) => {
  const at = folder(t)
  writeFileSync(join(at, 'nearside.json'), '{}')
  const error = await refuse(at)
  assert.equal(error.code, 'topology_format')
  assert.equal(error.remedy, 'JSON is valid YAML: rename it to nearside.yaml')
})

import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import {
  coloured,
  createOutput,
  exitCodes,
  fittedTable,
  printError,
  table,
  wrapLines,
} from '../../src/cli/output.ts'
import { NearsideError } from '../../src/lib/errors.ts'
import { printable } from '../../src/lib/printable.ts'
import { refusalOf } from '../../src/lib/refusals.ts'
import { TopologyError } from '../../src/topology/problems.ts'

function captured(options: { json?: boolean; isTTY?: boolean; env?: NodeJS.ProcessEnv } = {}) {
  const text = { out: '', err: '' }
  const stream = (name: 'out' | 'err') => ({
    isTTY: options.isTTY ?? false,
    write: (chunk: string) => {
      text[name] += chunk
    },
  })
  const output = createOutput({
    json: options.json,
    stdout: stream('out'),
    stderr: stream('err'),
    env: options.env ?? {},
  })
  return { text, output }
}

test('colour is used on terminals, and never with NO_COLOR', () => {
  const stream = (isTTY: boolean) => ({ isTTY, write: () => {} })
  assert.equal(coloured(stream(true), {}), true)
  assert.equal(coloured(stream(false), {}), false)
  assert.equal(coloured(stream(true), { NO_COLOR: '1' }), false)
  assert.equal(coloured(stream(true), { NO_COLOR: '' }), true)
  assert.equal(coloured(stream(true), { TERM: 'dumb' }), false)
  assert.equal(coloured(stream(false), { FORCE_COLOR: '1' }), true)
  assert.equal(coloured(stream(true), { FORCE_COLOR: '1', NO_COLOR: '1' }), false)
})

describe('text from elsewhere cannot control the terminal', () => {
  const hostile = 'a\u001b]0;title\u0007b\u001b[2Jc\u009b31md\u202ee\r'
  const visible = 'a\\x1b]0;title\\x07b\\x1b[2Jc\\x9b31md\\u202ee\\x0d'

  for (const isTTY of [true, false])
    test(`whatever a command prints, notes or draws (${isTTY ? '' : 'not '}on a terminal)`, () => {
      const { text, output } = captured({ isTTY, env: { TERM: 'xterm' } })
      output.print(hostile)
      output.note(hostile)
      assert.deepEqual(text, { out: `${visible}\n`, err: `${visible}\n` })
      printError(output, new Error(hostile), {})
      assert.ok(text.err.includes(visible))
    })

  test('while the colours of the command itself stay', () => {
    const { text, output } = captured({ isTTY: true })
    output.print(`${output.paint(['red', 'bold'], hostile)} \u001b[8mhidden\u001b[5m`)
    assert.equal(text.out, `\u001b[31m\u001b[1m${visible}\u001b[22m\u001b[39m \\x1b[8mhidden\\x1b[5m\n`)
  })

  test('and in a block that is redrawn', () => {
    let out = ''
    const stderr = {
      ...{ isTTY: true, columns: 200, rows: 10, on: () => stderr, off: () => stderr },
      write: (chunk: string) => {
        out += chunk
        return true
      },
    }
    const live = createOutput({ stderr: stderr as never, env: {} }).live()!
    live.draw([hostile])
    live.say(hostile)
    live.end()
    assert.equal(out.split(visible).length, 4)
    assert.ok(!out.includes('title\u0007'))
  })

  test('and in JSON it is JSON, whose value is the text itself', () => {
    const { text, output } = captured({ json: true, isTTY: true })
    output.result({ hostile })
    output.resultLine({ hostile })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be left
    assert.doesNotMatch(text.out, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/)
    assert.deepEqual(JSON.parse(text.out.split('\n').at(-2)!), { hostile })
  })

  test('since nothing but Output writes to the standard streams of a command', () => {
    const home = join(import.meta.dirname, '../..')
    const writers = globSync('src/{cli,world,lab}/**/*.ts', { cwd: home }).filter((file) =>
      /(?:std(?:out|err)\.write|console\.\w+)\(/.test(readFileSync(join(home, file), 'utf8')),
    )
    assert.deepEqual(writers.sort(), [
      'src/cli/output.ts',
      // Commander's help.
      'src/cli/program.ts',
      // Processes of their own, whose output is read by the command that started them.
      'src/lab/faults/replay-child.ts',
      'src/lab/users/child.ts',
      // With NEARSIDE_DEBUG, made printable.
      'src/world/stop.ts',
    ])
  })
})

test('an error shows its message with the remedy below it', () => {
  const { text, output } = captured()
  const code = printError(
    output,
    new NearsideError('world_down', 'shop: not up', { remedy: 'nearside up' }),
    {},
  )
  assert.equal(text.err, 'error: shop: not up\n  nearside up\n')
  assert.equal(text.out, '')
  assert.equal(code, exitCodes.problem)
})

test('with --json, an error is one document on stdout and nothing else is printed', () => {
  const { text, output } = captured({ json: true })
  printError(output, new NearsideError('world_down', 'shop: not up', { remedy: 'nearside up' }), {})
  assert.deepEqual(JSON.parse(text.out), {
    error: { code: 'world_down', message: 'shop: not up', remedy: 'nearside up' },
  })
  assert.equal(text.err, '')
})

test('details of an error stand below its remedy', () => {
  const lines: string[] = []
  const output = createOutput({ stderr: { write: (text) => lines.push(text) }, env: {} })
  printError(
    output,
    new NearsideError('port_in_use', 'two ports', { remedy: 'stop it', details: ['a: 1', 'b: 2'] }),
    {},
  )
  assert.equal(lines.join(''), 'error: two ports\n  stop it\n  a: 1\n  b: 2\n')
})

test('a topology error shows every problem with its remedy', () => {
  const { text, output } = captured()
  const problems = [
    { path: 'name', message: 'expected a, got b', remedy: 'write a' },
    { path: 'app', message: 'expected c', line: 3, column: 4 },
  ]
  printError(output, new TopologyError('topology_invalid', '/x/nearside.yaml', problems), {})
  assert.equal(
    text.err,
    '/x/nearside.yaml: 2 problems\nerror: name: expected a, got b\n  write a\nerror: app (line 3, column 4): expected c\n',
  )
})

test('a bug shows its stack only on request', () => {
  const quiet = captured()
  assert.equal(printError(quiet.output, new TypeError('x is undefined'), {}), exitCodes.defect)
  assert.doesNotMatch(quiet.text.err, /\n\s+at /)
  assert.match(quiet.text.err, /error: x is undefined\n {2}this is a bug in Nearside/)
  const loud = captured()
  printError(loud.output, new TypeError('x is undefined'), { NEARSIDE_DEBUG: '1' })
  assert.match(loud.text.err, /\n\s+at /)
})

test('an unreadable world folder is reported as another user’s', () => {
  const { output, text } = captured()
  const refused = Object.assign(new Error('…'), {
    ...{ code: 'EACCES', path: '/srv/shop/.nearside', syscall: 'scandir' },
  })
  printError(output, refused, {})
  assert.match(text.err, /\n {2}it belongs to another user \(a lab belongs to root\): use sudo\n/)
})

test('a full disk is not a bug, even where Node leaves out the path', () => {
  const error = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    syscall: 'write',
  })
  assert.deepEqual(refusalOf(error), {
    code: 'ENOSPC',
    why: 'the disk is full',
    remedy: 'free some space',
    syscall: 'write',
  })
  assert.equal(refusalOf(Object.assign(new Error('x'), { code: 'EACCES' })), undefined)
  assert.equal(refusalOf(Object.assign(new Error('x'), { code: 'constructor' })), undefined)
})

test('an error of the operating system is not a bug: it shows path, cause and remedy', () => {
  for (const [code, why] of [
    ['EROFS', 'the file system is read-only'],
    ['EACCES', 'permission denied'],
    ['ENOSPC', 'the disk is full'],
  ] as const) {
    const { output, text } = captured()
    const refused = Object.assign(new Error(`${code}: …`), {
      code,
      path: '/srv/shop/.nearside',
      syscall: 'mkdir',
    })
    assert.equal(printError(output, refused, {}), exitCodes.problem)
    assert.ok(text.err.startsWith(`error: /srv/shop/.nearside: ${why} (mkdir)\n  `), text.err)
  }
})

test('terminal control characters are escaped', () => {
  assert.equal(printable('a\u001b[31mb\rc\u202ed\te\n'), 'a\\x1b[31mb\\x0dc\\u202ed\te\n')
  const { text, output } = captured()
  printError(output, new NearsideError('x', 'name: got "\u001b]0;owned\u0007"'), {})
  assert.equal(text.err, 'error: name: got "\\x1b]0;owned\\x07"\n')
})

test('table columns are as wide as their widest cells without colours, without trailing blanks', () => {
  const columns = [{ head: 'REGION' }, { head: 'LAG', align: 'right' as const }, { head: '' }]
  const rows = [
    ['us-east', '5 ms', ''],
    ['\u001b[31mx\u001b[39m', '1,200 ms', 'primary'],
  ]
  assert.equal(
    table(columns, rows),
    'REGION        LAG\nus-east      5 ms\n\u001b[31mx\u001b[39m        1,200 ms  primary',
  )
  assert.equal(table([{ head: '' }, { head: '' }], [['a', 'b']]), 'a  b')
})

test('--json prints only the document, and its absence only lines for people', () => {
  const json = captured({ json: true })
  json.output.print('hello')
  json.output.result({ a: 1 })
  assert.equal(json.text.out, '{\n  "a": 1\n}\n')
  const plain = captured()
  plain.output.print('hello')
  plain.output.result({ a: 1 })
  assert.equal(plain.text.out, 'hello\n')
})

test('long lines are wrapped between words, and a second column stays a column', () => {
  const width = 40
  const text = wrapLines(
    [
      'error: 12 ports of this world are already in use by others',
      '  -t, --topology  topology file or its folder, by default the current one',
      '  a short line',
      `  ${'x'.repeat(50)} cannot be broken`,
    ].join('\n'),
    width,
  )
  assert.equal(
    text,
    [
      'error: 12 ports of this world are',
      '  already in use by others',
      '  -t, --topology  topology file or its',
      '                  folder, by default the',
      '                  current one',
      '  a short line',
      `  ${'x'.repeat(50)}`,
      '    cannot be broken',
    ].join('\n'),
  )
  assert.equal(wrapLines('a b', undefined), 'a b')
})

test('errors fit the terminal, details included', () => {
  let shown = ''
  const write = (text: string) => {
    shown += text
  }
  const stderr = { isTTY: true, columns: 60, write }
  const details = ['us-east: haproxy 8080, postgres 5432, redis 6379 are taken by process 77 (nginx)']
  const error = new NearsideError(
    'port_in_use',
    '12 ports of this world are already in use by other processes',
    {
      details,
      remedy: 'stop these processes, or set other ports under ports in the topology',
    },
  )
  printError(createOutput({ stderr, env: { NO_COLOR: '1' } }), error)
  for (const line of shown.trimEnd().split('\n')) assert.ok(line.length <= 60, line)
})

test('a table that does not fit the terminal becomes two columns, of which the second is wrapped', () => {
  const columns = [{ head: 'REGION' }, { head: 'ROLE' }, { head: 'ADDRESS' }, { head: 'LOCATION' }]
  const rows = [
    ['asia-southeast-singapore', 'full', '127.77.100.1', '1.352083, 103.819836'],
    ['us-east', 'witness', '127.77.2.1', '40.712776, -74.005974'],
  ]
  assert.equal(fittedTable(columns, rows, undefined), table(columns, rows))
  assert.equal(fittedTable(columns, rows, 80), table(columns, rows))
  const bold = (text: string) => `\u001b[1m${text}\u001b[22m`
  assert.equal(
    fittedTable(columns, rows, 60, bold),
    [
      '\u001b[1mREGION                    ROLE, ADDRESS, LOCATION\u001b[22m',
      'asia-southeast-singapore  full, 127.77.100.1, 1.352083,',
      '                          103.819836',
      'us-east                   witness, 127.77.2.1, 40.712776,',
      '                          -74.005974',
    ].join('\n'),
  )
})

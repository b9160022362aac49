import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { temporaryFolder } from '../support/sandboxed.ts'
import { nearside } from './here.ts'
import { nearside as program } from './program.ts'

const commands = [
  ...['init', 'check', 'up', 'down', 'restart', 'switchover', 'purge'],
  ...['status', 'logs', 'events', 'doctor', 'kill', 'revive'],
]

let folder: string
before(() => {
  folder = temporaryFolder('cli')
})

test('--help lists every command, and is the output without a command', async () => {
  const [help, none] = await Promise.all([nearside(folder, ['--help']), nearside(folder, [])])
  assert.deepEqual([help.code, help.stdout], [0, none.stdout])
  for (const command of commands) assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'), command)
})

test('every command has --help with an example and exit codes, and accepts --json', async () => {
  const all = await Promise.all(commands.map((command) => nearside(folder, [command, '--help'])))
  for (const [i, { code, stdout }] of all.entries()) {
    assert.equal(code, 0, commands[i])
    assert.match(stdout, /Examples?:\n {2}nearside /, commands[i])
    assert.match(stdout, /Exit codes: 0 /, commands[i])
    assert.match(stdout, /--json/, commands[i])
  }
})

test('a typo gets a suggestion', async () => {
  const said = async (...args: string[]) => {
    const { code, stderr, stdout } = await nearside(folder, args)
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    return stderr
  }
  assert.match(await said('staus'), /^error: unknown command 'staus'\n {2}did you mean status\?\n$/)
  assert.match(await said('status', '--jsn'), /unknown option '--jsn'\n {2}did you mean --json\?/)
  assert.match(await said('up', '--detatch'), /did you mean --detach\?/)
  assert.match(await said('xyzzy'), /see `nearside --help`/)
  assert.match(await said('kill'), /missing required argument 'region'\n {2}see `nearside kill --help`/)
  assert.match(
    await said('lab', 'link', '--delay', '40'),
    /--delay: expected a time of at most 1min, such as 40ms, got "40"\n {2}did you mean 40ms\?/,
  )
  assert.match(
    await said('logs', '-n', 'many'),
    /--lines: expected a number of lines such as 200, got "many"/,
  )
  assert.match(await said('logs', 'a', 'b', 'c'), /too many arguments/)
})

test('help for an unknown command says so, at every level and in every form', async () => {
  for (const [args, text] of [
    [['help', 'staus'], /^error: unknown command 'staus'\n {2}did you mean status\?\n$/],
    [['staus', '--help'], /unknown command 'staus'\n {2}did you mean status\?/],
    [['help', 'xyzzy'], /unknown command 'xyzzy'\n {2}see `nearside --help`/],
    [['help', 'lab', 'lnik'], /unknown command 'lnik'\n {2}did you mean link\?/],
    [['lab', 'help', 'lnik'], /unknown command 'lnik'\n {2}did you mean link\?/],
    [['lab', 'lnik', '-h'], /unknown command 'lnik'\n {2}did you mean link\?/],
    [['lab', 'help', 'xyzzy'], /see `nearside lab --help`/],
  ] as const) {
    const { code, stdout, stderr } = await nearside(folder, [...args])
    assert.deepEqual([code, stdout], [2, ''], args.join(' '))
    assert.match(stderr, text)
  }
  for (const args of [
    ['help'],
    ['help', 'status'],
    ['help', 'lab'],
    ['lab', 'help'],
    ['lab', 'help', 'link'],
  ])
    assert.equal((await nearside(folder, args)).code, 0, args.join(' '))
})

test('a group of commands without one of them prints its help, as the program does', async () => {
  const [none, help] = await Promise.all([nearside(folder, ['lab']), nearside(folder, ['lab', '--help'])])
  assert.deepEqual(none, help)
  assert.equal(none.code, 0)
  assert.match(none.stdout, /^Usage: nearside lab/)
  assert.equal((await nearside(folder, ['lab', '--bogus'])).code, 2)
})

test('with --json an error is one document on stdout, with a code', async () => {
  const unknown = await nearside(folder, ['staus', '--json'])
  assert.deepEqual([unknown.code, unknown.stderr], [2, ''])
  assert.deepEqual(JSON.parse(unknown.stdout), {
    error: {
      code: 'usage_unknown_command',
      message: "unknown command 'staus'",
      remedy: 'did you mean status?',
    },
  })
  const absent = await nearside(folder, ['status', '--json'])
  assert.deepEqual([absent.code, JSON.parse(absent.stdout).error.code], [1, 'world_not_found'])
})

test('--topology works before the command and after it', async () => {
  for (const args of [
    ['-t', 'no/such.yaml', 'status'],
    ['status', '-t', 'no/such.yaml'],
    ['--topology', 'no/such.yaml', 'events'],
  ]) {
    const { code, stderr } = await nearside(folder, args)
    assert.equal(code, 1, args.join(' '))
    assert.match(stderr, /no\/such\.yaml: does not exist\n {2}pass a topology file/, args.join(' '))
  }
})

test('commands for a missing world fail with an error, do nothing, and show no stack', async () => {
  const calls = [
    ['status'],
    ['down'],
    ['down', '--purge', '--yes'],
    ['logs'],
    ['events'],
    ['switchover'],
    ['kill', 'us-east'],
    ['revive', '../../etc'],
    ['restart', 'us-east', 'app-0'],
  ]
  const all = await Promise.all(calls.map((args) => nearside(folder, args)))
  for (const [i, { code, stdout, stderr }] of all.entries()) {
    assert.deepEqual([code, stdout], [1, ''], calls[i]!.join(' '))
    assert.match(
      stderr,
      /^error: There is no world here \(.*\)\.\n {2}start one with `nearside up`/,
      calls[i]!.join(' '),
    )
    assert.doesNotMatch(stderr, /\n {4}at /)
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('a damaged world record is an error with a remedy', async () => {
  const here = temporaryFolder('cli')
  mkdirSync(join(here, '.nearside/shop'), { recursive: true })
  writeFileSync(join(here, '.nearside/shop/world.json'), '{"topology":')
  const { code, stderr } = await nearside(here, ['status'])
  assert.equal(code, 1)
  assert.match(stderr, /world\.json: expected the record of a world\n {2}run `nearside up`/)
})

test('up with an invalid topology lists the problems and creates nothing', async () => {
  const here = temporaryFolder('cli')
  writeFileSync(join(here, 'nearside.yaml'), 'name: Shop!\n')
  const { code, stderr } = await nearside(here, ['up', '--detach'])
  assert.equal(code, 1)
  assert.match(stderr, /problems/)
  assert.ok(!existsSync(join(here, '.nearside')))
})

test('the program itself prints the same, exits on its own, and has the same exit code', async () => {
  const calls = [
    ['--help'],
    ['check', '--help'],
    ['staus'],
    ['status'],
    ['status', '--json'],
    ['up', '--jsn'],
  ]
  const real = await Promise.all(calls.map((args) => program(folder, args)))
  for (const [i, args] of calls.entries())
    assert.deepEqual(real[i], await nearside(folder, args), args.join(' '))
  assert.deepEqual(
    real.map(({ code }) => code),
    [0, 0, 2, 1, 1, 2],
  )
})

test('a closed pipe ends the program without an error', async () => {
  const program = join(import.meta.dirname, '../../src/cli/main.ts')
  const child = spawn('sh', ['-c', `"${process.execPath}" "${program}" --help | head -1`], { cwd: folder })
  let [out, err] = ['', '']
  child.stdout.on('data', (part) => {
    out += part
  })
  child.stderr.on('data', (part) => {
    err += part
  })
  await new Promise((resolve) => child.on('close', resolve))
  assert.deepEqual([out, err], ['Usage: nearside [options] [command]\n', ''])
})

test('doctor needs no world and supports --json', async () => {
  const { stdout } = await nearside(folder, ['doctor', '--json'])
  const { world, findings } = JSON.parse(stdout) as {
    world: null
    findings: { check: string; state: string }[]
  }
  assert.equal(world, null)
  assert.equal(findings.find((one) => one.check === 'node')?.state, 'ok')
})

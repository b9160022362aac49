import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const home = join(import.meta.dirname, '..')

/** An error's text: its `message`, or what `messageOf` makes of anything thrown. */
const text = String.raw`(?:\.message\b|\bmessageOf\([^()]*\))`
/** A program that looks into it decides by words that are for people, and that their next rewording breaks. */
const readings = [
  new RegExp(String.raw`\.(?:test|exec)\([^()]*${text}`),
  new RegExp(
    String.raw`${text}\)?[?!]?\.(?:includes|startsWith|endsWith|match|matchAll|search|indexOf|replace|replaceAll)\(`,
  ),
  new RegExp(String.raw`${text}\s*[!=]={1,2}(?![\s=]*'')`),
  new RegExp(String.raw`switch \([^()]*${text}`),
]

/** Statements that may, each with its reason. */
const allowed: { file: string; reads: string; why: string }[] = [
  {
    file: 'src/cli/program.ts',
    reads: 'error.message.replace(/^error: /,',
    why: 'shown to people: Commander begins its sentence with “error: ”, and so do we',
  },
]

/** Statements that the formatter has broken are one line again. */
const linesOf = (code: string) =>
  code
    .replace(/\n\s*(?=[.)])/g, '')
    .replace(/\(\n\s*/g, '(')
    .split('\n')
const isReading = (line: string) => readings.some((reading) => reading.test(line))

test('errors are told apart by code and never by their text', () => {
  const found = globSync('src/**/*.ts', { cwd: home }).flatMap((file) =>
    linesOf(readFileSync(join(home, file), 'utf8'))
      .filter(isReading)
      .map((line) => ({ file, line: line.trim() })),
  )
  const permits = (one: (typeof allowed)[number], { file, line }: (typeof found)[number]) =>
    one.file === file && line.includes(one.reads)
  assert.deepEqual(
    found.filter((one) => !allowed.some((permit) => permits(permit, one))),
    [],
    'give the error a code or a class of its own; read an engine’s sentence in one place',
  )
  const gone = allowed.filter((permit) => !found.some((one) => permits(permit, one)))
  assert.deepEqual(gone, [], 'these exceptions are no longer needed')
})

test('what reads an error’s text is found', () => {
  const bad = [
    "if (/timeout/.test(error.message)) return 'silence'",
    "if (error.message.startsWith('Maximum')) return",
    "if (messageOf(error).includes('lost')) return",
    "throw new Error(error.message.replace(/got .*$/, ''))",
    'const at = pattern.exec(messageOf(cause))',
    "if (error.message === 'lost') return",
  ]
  const good = [
    "if (error instanceof AggregateError && error.message === '') return",
    'log.warn({ error: messageOf(error) }, said)',
    "messageOf(error).split('\\n')[0]",
    "if (error.code === 'ENOENT') return error.message",
  ]
  assert.deepEqual([bad.filter((line) => !isReading(line)), good.filter(isReading)], [[], []])
})

import { stripVTControlCharacters, styleText } from 'node:util'
import { Command } from 'commander'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { shownPath } from '../lib/format.ts'
import { printable, printableExcept, printableJson, sgr } from '../lib/printable.ts'
import { refusalOf } from '../lib/refusals.ts'
import { type Problem, problemText, TopologyError } from '../topology/problems.ts'
import { createLive, type Live, type Terminal } from './live.ts'

/** Exit codes, as documented in `nearside --help`. */
export const exitCodes = {
  ok: 0,
  /** The command ran with a negative result: problems found, a world that is not up. */
  problem: 1,
  /** Works, but something needs attention. */
  degraded: 3,
  /** What was asked did not answer in time. */
  unknown: 4,
  /** Wrong use of the command line. */
  usage: 2,
  /** A bug in Nearside. */
  defect: 70,
  /** Ctrl-C, by shell convention. */
  interrupted: 130,
} as const

export type Style = Parameters<typeof styleText>[0]
type Stream = { write(text: string): unknown; isTTY?: boolean; columns?: number }

const isTerminal = (stream: Stream): stream is Terminal => 'on' in stream && 'off' in stream

/** Colours only on a terminal, and not with NO_COLOR or TERM=dumb. FORCE_COLOR enables them elsewhere. */
export function coloured(stream: Stream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

const lengthOf = (text: string) => [...stripVTControlCharacters(text)].length

/** Columns of the terminal; undefined when lines need no limit. */
export const widthOf = (stream: Stream): number | undefined => (stream.isTTY ? stream.columns : undefined)

/** Wraps words to at most `width` characters, indenting continuation lines. Colours have no width. */
export function wrap(text: string, width: number | undefined, indent: string): string {
  if (width === undefined || lengthOf(text) <= width) return text
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && lengthOf(last) + 1 + lengthOf(word) <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(lines.length === 0 ? word : indent + word)
  }
  return lines.join('\n')
}

/** A second column narrower than this would be harder to read than lines that begin at the left. */
const leastColumn = 20

/**
 * Wraps each line to at most `width` characters, between words. Continuation lines begin where the line's text does: in
 * a line of two columns, two spaces apart, at the second.
 */
export function wrapLines(text: string, width: number | undefined): string {
  if (width === undefined) return text
  return text
    .split('\n')
    .map((line) => {
      if (lengthOf(line) <= width) return line
      const [margin = ''] = /^\s*/.exec(line) ?? []
      const [columns = ''] = /^\s*\S.*?\s{2,}(?=\S)/.exec(line) ?? []
      const head = columns !== '' && width - lengthOf(columns) >= leastColumn ? columns : margin
      const hang = ' '.repeat(lengthOf(head) + (head === margin ? 2 : 0))
      const [first = '', ...words] = line.slice(head.length).split(' ')
      const lines = [head + first]
      for (const word of words) {
        const last = lines.at(-1)!
        if (lengthOf(last) + 1 + lengthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`
        else lines.push(hang + word)
      }
      return lines.join('\n')
    })
    .join('\n')
}

export type Column = { head: string; align?: 'left' | 'right' }

/** Columns two spaces apart, each as wide as its widest cell; nothing is truncated. Cells may be coloured. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  head: (text: string) => string = (text) => text,
): string {
  const widths = columns.map((column, i) =>
    Math.max(lengthOf(column.head), ...rows.map((row) => lengthOf(row[i] ?? ''))),
  )
  const line = (cells: readonly string[]) =>
    columns
      .map((column, i) => {
        const cell = cells[i] ?? ''
        const fill = ' '.repeat(Math.max(0, widths[i]! - lengthOf(cell)))
        return column.align === 'right' ? fill + cell : cell + fill
      })
      .join('  ')
      .trimEnd()
  const shown = columns.some((column) => column.head !== '')
    ? [head(line(columns.map((column) => column.head)))]
    : []
  return [...shown, ...rows.map(line)].join('\n')
}

/** A table that is wider than the terminal becomes two columns, of which the second holds all the others and is wrapped. */
export function fittedTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
  head: (text: string) => string = (text) => text,
): string {
  const wide = table(columns, rows, head)
  if (width === undefined || wide.split('\n').every((line) => lengthOf(line) <= width)) return wide
  const two = ([first = '', ...others]: readonly string[]) => [first, others.filter(Boolean).join(', ')]
  const [name = '', others = ''] = two(columns.map((column) => column.head))
  return wrapLines(table([{ head: name }, { head: others }], rows.map(two), head), width)
}

export type Output = {
  json: boolean
  /** Prints a line of the result on stdout; nothing with --json. */
  print(text?: string): void
  /** Prints the result for programs, one JSON document on stdout; nothing without --json. */
  result(value: unknown): void
  /** The same on one line, for results that go on. */
  resultLine(value: unknown): void
  /** Prints a line about the work (progress, warnings) on stderr. */
  note(text: string): void
  /**
   * A block that is redrawn in place, on stderr, or on stdout if it is the result itself. Undefined if the stream is
   * not a terminal. Until it ends, printed and noted lines appear above it.
   */
  live(on?: 'stdout' | 'stderr'): Live | undefined
  /** Colours for stdout and stderr; plain text where colours are off. */
  paint(style: Style, text: string): string
  paintNote(style: Style, text: string): string
}

type OutputOptions = { json?: boolean; stdout?: Stream; stderr?: Stream; env?: NodeJS.ProcessEnv }

/**
 * The one way to the terminal. Text may come from apps, logs, etcd, engines and other hosts, so every control character
 * is made visible, except for the colours that `paint` has added.
 */
export function createOutput({
  json = false,
  stdout = process.stdout,
  stderr = process.stderr,
  env = process.env,
}: OutputOptions = {}): Output {
  const colours = new Set<string>()
  const painter = (stream: Stream) => {
    const colour = coloured(stream, env)
    return (style: Style, text: string) => {
      if (!colour) return text
      for (const part of styleText(style, 'x', { validateStream: false }).split(sgr))
        if (part.startsWith('\u001b')) colours.add(part)
      return styleText(style, text, { validateStream: false })
    }
  }
  const shown = (text: string) => printableExcept(text, colours)
  let drawn: Live | undefined
  const line = (stream: Stream, text: string) => (drawn ? drawn.say(text) : void stream.write(`${text}\n`))
  return {
    json,
    print: (text = '') => void (json || line(stdout, shown(text))),
    result: (value) => void (json && stdout.write(`${printableJson(value, 2)}\n`)),
    resultLine: (value) => void (json && stdout.write(`${printableJson(value)}\n`)),
    note: (text) => line(stderr, wrapLines(shown(text), widthOf(stderr))),
    live(on = 'stderr') {
      const stream = on === 'stderr' ? stderr : stdout
      if (!isTerminal(stream) || !stream.isTTY || env.TERM === 'dumb' || (json && on === 'stdout'))
        return undefined
      const live = createLive(stream)
      drawn = live
      return {
        draw: (lines) => live.draw(lines.map(shown)),
        say: (text) => live.say(shown(text)),
        end(how) {
          if (drawn === live) drawn = undefined
          live.end(how)
        },
      }
    },
    paint: painter(stdout),
    paintNote: painter(stderr),
  }
}

/** Prints `error: message` and the remedy below it, for each problem in turn, on stderr. */
function printProblems(output: Output, level: 'error' | 'warning', problems: readonly Problem[]): void {
  const label = output.paintNote(level === 'error' ? ['red', 'bold'] : ['yellow', 'bold'], `${level}:`)
  for (const problem of problems) {
    output.note(`${label} ${printable(problemText(problem))}`)
    if (problem.remedy) output.note(`  ${output.paintNote('cyan', printable(problem.remedy))}`)
  }
}

export function printWarnings(output: Output, problems: readonly Problem[]): void {
  if (!output.json) printProblems(output, 'warning', problems)
}

/**
 * Shows any thrown value and returns the exit code for it. With --json, prints one document on stdout:
 * `{ "error": { "code", "message", "remedy"?, "file"?, "problems"? } }`. Shows a stack only for bugs, and only if
 * NEARSIDE_DEBUG is set.
 */
export function printError(output: Output, thrown: unknown, env: NodeJS.ProcessEnv = process.env): number {
  const error = refusedBySystem(thrown) ?? thrown
  const known = error instanceof NearsideError
  const code = known ? error.code : 'defect'
  const remedy = known
    ? error.remedy
    : 'this is a bug in Nearside: run again with NEARSIDE_DEBUG=1 and report the output'
  const topology = error instanceof TopologyError ? { file: error.file, problems: error.problems } : {}
  output.result({
    error: {
      code,
      message: messageOf(error),
      ...(remedy === undefined ? {} : { remedy }),
      ...(known && error.details.length > 0 ? { details: error.details } : {}),
      ...topology,
    },
  })
  if (!output.json) {
    if (error instanceof TopologyError) {
      const file = printable(shownPath(error.file))
      if (error.problems.length === 1 && error.problems[0]) {
        const [only] = error.problems
        printProblems(output, 'error', [
          { ...only, path: '', line: undefined, message: `${file}: ${problemText(only)}` },
        ])
      } else {
        output.note(`${file}: ${error.problems.length} problems`)
        printProblems(output, 'error', error.problems)
      }
    } else printProblems(output, 'error', [{ path: '', message: messageOf(error), remedy }])
    if (known) for (const line of error.details) output.note(`  ${printable(line)}`)
    if (!known && env.NEARSIDE_DEBUG && error instanceof Error) output.note(error.stack ?? '')
  }
  return known ? (code.startsWith('usage_') ? exitCodes.usage : exitCodes.problem) : exitCodes.defect
}

function refusedBySystem(error: unknown): NearsideError | undefined {
  const refusal = error instanceof NearsideError ? undefined : refusalOf(error)
  if (!refusal) return undefined
  const { code, why, path, syscall } = refusal
  // The world of a lab belongs to root, starting at its folder.
  const isWorlds = code === 'EACCES' && /\/\.nearside(\/|$)/.test(path ?? '')
  const remedy = isWorlds ? 'it belongs to another user (a lab belongs to root): use sudo' : refusal.remedy
  const where = path === undefined ? '' : `${path}: `
  return new NearsideError(`system_${code.toLowerCase()}`, `${where}${why} (${syscall ?? code})`, {
    remedy,
    cause: error,
  })
}

/** Destination of a command's output and exit code. Default: this process. */
export type Io = Pick<OutputOptions, 'stdout' | 'stderr' | 'env'> & { setExitCode(code: number): void }

export const processIo: Io = {
  // Set and not `process.exit`, so that output to a pipe is still flushed.
  setExitCode(code) {
    process.exitCode = code
  },
}

/** The whole command line, with the output that its commands write to. */
export class Program extends Command {
  readonly io: Io
  constructor(name: string, io: Io) {
    super(name)
    this.io = io
  }
}

function ioOf(command: Command): Io {
  return command instanceof Program ? command.io : command.parent ? ioOf(command.parent) : processIo
}

/** The work of a command. A returned number is the exit code. */
type Run<Options> = (context: { output: Output; options: Options; args: string[] }) => unknown

/** A commander action that turns errors into exit codes instead of stacks. */
export function action<Options extends { json?: boolean }>(run: Run<Options>) {
  return async (...given: unknown[]): Promise<void> => {
    const command = given.at(-1) as Command
    const options = command.optsWithGlobals<Options>()
    const io = ioOf(command)
    const output = createOutput({ json: options.json === true, ...io })
    try {
      const code = await run({ output, options, args: command.args })
      io.setExitCode(typeof code === 'number' ? code : exitCodes.ok)
    } catch (error) {
      io.setExitCode(printError(output, error, io.env))
    }
  }
}

/** `nearside status | head` closes the pipe early, which is not an error. */
export function endQuietlyOnClosedPipe(stream: NodeJS.WriteStream = process.stdout): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.ok)
    process.stderr.write(`error: could not write the output: ${printable(messageOf(error))}\n`)
    process.exit(exitCodes.problem)
  })
}

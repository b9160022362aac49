import { stripVTControlCharacters, styleText } from 'node:util'
import { Command } from 'commander'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { shownPath } from '../lib/format.ts'
import { printable } from '../lib/printable.ts'
import { type Problem, problemText, TopologyError } from '../topology/problems.ts'
import { createLive, type Live, type Terminal } from './live.ts'

/** What a command's exit code means; `nearside --help` says the same. */
export const exitCodes = {
  ok: 0,
  /** The command ran and the answer is no: problems found, a world that is not up. */
  problem: 1,
  /** It works, and something needs a look. */
  degraded: 3,
  /** The command line itself was wrong. */
  usage: 2,
  /** A defect of Nearside. */
  defect: 70,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const

export type Style = Parameters<typeof styleText>[0]
type Stream = { write(text: string): unknown; isTTY?: boolean; columns?: number }

const isTerminal = (stream: Stream): stream is Terminal => 'on' in stream && 'off' in stream

/** Colour only for people: a terminal, and neither NO_COLOR nor TERM=dumb. FORCE_COLOR asks for it elsewhere. */
export function coloured(stream: Stream, env: NodeJS.ProcessEnv): boolean {
  if (env.NO_COLOR) return false
  if (env.FORCE_COLOR !== undefined) return env.FORCE_COLOR !== '0' && env.FORCE_COLOR !== 'false'
  return stream.isTTY === true && env.TERM !== 'dumb'
}

const lengthOf = (text: string) => [...stripVTControlCharacters(text)].length

/** How many characters fit on a line of a terminal; undefined where lines may be as long as they are. */
export const widthOf = (stream: Stream): number | undefined => (stream.isTTY ? stream.columns : undefined)

/** Words on lines of at most `width` characters, the second and later ones indented. Colours count for nothing. */
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

export type Column = { head: string; align?: 'left' | 'right' }

/** Columns two spaces apart, as wide as their widest cell; nothing is cut. Cells may be coloured. */
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

export type Output = {
  json: boolean
  /** A line of the answer, on stdout; nothing with --json. */
  print(text?: string): void
  /** The answer for programs: one JSON document on stdout; nothing without --json. */
  result(value: unknown): void
  /** A line about the work (progress, warnings), on stderr. */
  note(text: string): void
  /**
   * A block on stderr that is drawn anew in place, or on stdout if that is the answer itself; undefined where that
   * cannot be seen. Until it ends, lines that are printed or noted go above it.
   */
  live(on?: 'stdout' | 'stderr'): Live | undefined
  /** Colours for stdout and stderr; plain text where colour is not wanted. */
  paint(style: Style, text: string): string
  paintNote(style: Style, text: string): string
}

type OutputOptions = { json?: boolean; stdout?: Stream; stderr?: Stream; env?: NodeJS.ProcessEnv }

export function createOutput({
  json = false,
  stdout = process.stdout,
  stderr = process.stderr,
  env = process.env,
}: OutputOptions = {}): Output {
  const painter = (stream: Stream) => {
    const colour = coloured(stream, env)
    return (style: Style, text: string) => (colour ? styleText(style, text, { validateStream: false }) : text)
  }
  let drawn: Live | undefined
  const line = (stream: Stream, text: string) => (drawn ? drawn.say(text) : void stream.write(`${text}\n`))
  return {
    json,
    print: (text = '') => void (json || line(stdout, text)),
    result: (value) => void (json && stdout.write(`${JSON.stringify(value, null, 2)}\n`)),
    note: (text) => line(stderr, text),
    live(on = 'stderr') {
      const stream = on === 'stderr' ? stderr : stdout
      if (!isTerminal(stream) || !stream.isTTY || env.TERM === 'dumb' || (json && on === 'stdout'))
        return undefined
      const live = createLive(stream)
      drawn = live
      return {
        ...live,
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

/** `error: message`, below it the remedy; every problem of a topology one after the other. On stderr. */
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
 * Shows anything thrown and returns the exit code for it. With --json it is one document on stdout:
 * `{ "error": { "code", "message", "remedy"?, "file"?, "problems"? } }`. A stack is shown only for defects, and only
 * with NEARSIDE_DEBUG set.
 */
export function printError(output: Output, thrown: unknown, env: NodeJS.ProcessEnv = process.env): number {
  const error = refusedBySystem(thrown) ?? thrown
  const known = error instanceof NearsideError
  const code = known ? error.code : 'defect'
  const remedy = known
    ? error.remedy
    : 'this is a defect of Nearside: run again with NEARSIDE_DEBUG=1 and report what it shows'
  const topology = error instanceof TopologyError ? { file: error.file, problems: error.problems } : {}
  output.result({
    error: { code, message: messageOf(error), ...(remedy === undefined ? {} : { remedy }), ...topology },
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
    if (!known && env.NEARSIDE_DEBUG && error instanceof Error) output.note(error.stack ?? '')
  }
  return known ? (code.startsWith('usage_') ? exitCodes.usage : exitCodes.problem) : exitCodes.defect
}

/** What a machine refuses to whom it has nothing against: no defect of ours. By the error's code. */
const refusals: Record<string, { why: string; remedy: string }> = {
  EROFS: { why: 'the file system is read-only', remedy: 'use a folder that can be written' },
  EACCES: { why: 'permission denied', remedy: 'give this user the right to it, or run as its owner' },
  EPERM: { why: 'not permitted', remedy: 'give this user the right to it, or run as its owner' },
  ENOSPC: { why: 'the disk is full', remedy: 'free some space' },
  EDQUOT: { why: 'this user’s share of the disk is used up', remedy: 'free some space' },
  EMFILE: { why: 'too many open files', remedy: 'raise the limit: ulimit -n' },
  ENFILE: { why: 'too many open files on this machine', remedy: 'end what has them open' },
  EIO: { why: 'the disk reports an error', remedy: 'see dmesg' },
}

function refusedBySystem(error: unknown): NearsideError | undefined {
  if (!(error instanceof Error) || error instanceof NearsideError || !('path' in error)) return undefined
  const { code = '', path, syscall } = error as NodeJS.ErrnoException
  const refusal = refusals[code]
  if (!refusal) return undefined
  const { why } = refusal
  // A lab's world is root's, from its folder on.
  const isWorlds = code === 'EACCES' && /\/\.nearside(\/|$)/.test(path ?? '')
  const remedy = isWorlds ? 'it belongs to another user, as a lab does to root: use sudo' : refusal.remedy
  return new NearsideError(`system_${code.toLowerCase()}`, `${path}: ${why} (${syscall})`, {
    remedy,
    cause: error,
  })
}

/** Where a run of the command line writes and how it reports its exit code. Default: this process. */
export type Io = Pick<OutputOptions, 'stdout' | 'stderr' | 'env'> & { setExitCode(code: number): void }

export const processIo: Io = {
  // Set, not forced: what was written to a pipe still gets there.
  setExitCode(code) {
    process.exitCode = code
  },
}

/** The command line as a whole, which every command of it writes through. */
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

/** A command's work. A number that it returns is the exit code. */
type Run<Options> = (context: { output: Output; options: Options; args: string[] }) => unknown

/** A commander action that ends in an exit code and never in a stack. */
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

/** `nearside status | head` closes the pipe before we are done: that is no error. */
export function endQuietlyOnClosedPipe(stream: NodeJS.WriteStream = process.stdout): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? exitCodes.ok)
    process.stderr.write(`error: the answer could not be written: ${messageOf(error)}\n`)
    process.exit(exitCodes.problem)
  })
}

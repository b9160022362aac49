import { type Command, CommanderError } from 'commander'
import { didYouMean } from '../lib/did-you-mean.ts'
import { NearsideError } from '../lib/errors.ts'
import { version } from '../lib/version.ts'
import {
  createOutput,
  endQuietlyOnClosedPipe,
  exitCodes,
  type Io,
  Program,
  printError,
  processIo,
  widthOf,
  wrapLines,
} from './output.ts'

/** `words`: the command line without options, the command first. */
type Register = (program: Command, words: readonly string[]) => void | Promise<void>

/**
 * All commands by purpose, in the order of `nearside --help`. Only the called command's code is loaded: `nearside
 * status` must not wait for code that only `nearside up` needs.
 */
const groups: Record<string, Record<string, () => Promise<Register>>> = {
  'Get started:': {
    init: async () => (await import('./init.ts')).initCommand,
    check: async () => (await import('./check.ts')).checkCommand,
  },
  'Operate:': {
    up: async () => (await import('./up.ts')).upCommand,
    down: async () => (await import('./down.ts')).downCommand,
    restart: async () => (await import('./restart.ts')).restartCommand,
    switchover: async () => (await import('./switchover.ts')).switchoverCommand,
    purge: async () => (await import('./purge.ts')).purgeCommand,
  },
  'Observe:': {
    status: async () => (await import('./status.ts')).statusCommand,
    logs: async () => (await import('./logs.ts')).logsCommand,
    events: async () => (await import('./events.ts')).eventsCommand,
    doctor: async () => (await import('./doctor.ts')).doctorCommand,
  },
  'Test failures:': {
    kill: async () => (await import('./kill.ts')).killCommand,
    revive: async () => (await import('./revive.ts')).reviveCommand,
    lab: async () => (await import('./lab.ts')).labCommand,
    drill: async () => (await import('./drill.ts')).drillCommand,
  },
}

const epilogue = `
Example:
  nearside init && nearside up --detach && nearside status

Exit codes: 0 success, 1 failure, 2 usage error, 3 degraded and
4 unknown (status only), 70 internal error (a bug in Nearside).`

/** Global options with a value: the word after one of them is not the command. */
const withValue = new Set(['-t', '--topology', '-w', '--world'])

const all = Object.values(groups).flatMap((group) => Object.entries(group))
const isWord = (arg: string, i: number, args: readonly string[]) =>
  !arg.startsWith('-') && !withValue.has(args[i - 1] ?? '')
/** The called command, with its subcommand if it has one: `lab link`. */
function calledIn(program: Command | undefined, args: readonly string[]): string | undefined {
  const [first, second] = args.filter(isWord)
  const command = program?.commands.find((one) => one.name() === first)
  if (!command || !all.some(([name]) => name === first)) return undefined
  const below = command.commands.find((one) => one.name() === second)
  return below ? `${first} ${second}` : first
}

export async function run(given: readonly string[], io: Io = processIo): Promise<void> {
  const args = given.length === 0 ? ['--help'] : given
  if (io === processIo) endQuietlyOnClosedPipe()
  const output = createOutput({ json: args.includes('--json'), ...io })
  let program: Command | undefined
  try {
    program = await programFor(args, io)
    refuseUnknownHelp(program, args)
    const group = groupCalled(program, args)
    if (group) group.outputHelp()
    else await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return
    // A group was called with an unknown option; commander has already shown its help.
    if (error instanceof CommanderError && error.code === 'commander.help') {
      io.setExitCode(exitCodes.usage)
      return
    }
    const called = calledIn(program, args)
    const shown = error instanceof CommanderError ? usageError(error, program, args) : withHelp(error, called)
    io.setExitCode(printError(output, shown, io.env))
  }
}

/** Commander shows the help of the whole program for an unknown word, as if the word meant nothing. */
function refuseUnknownHelp(program: Command, args: readonly string[]): void {
  const words = args.filter(isWord)
  const asksForHelp =
    args.some((arg) => arg === '--help' || arg === '-h') || words.slice(0, 2).includes('help')
  if (!asksForHelp) return
  let command = program
  for (const word of words) {
    if (command.commands.length === 0) return
    if (word === 'help') continue
    const below = command.commands.find((one) => one.name() === word)
    if (!below)
      throw new NearsideError('usage_unknown_command', `unknown command '${word}'`, {
        remedy:
          didYouMean(
            word,
            command.commands.map((one) => one.name()),
          ) ?? seeHelp(command === program ? undefined : command.name()),
      })
    command = below
  }
}

/** A group of commands that is called without one of them shows its help, as the program itself does. */
function groupCalled(program: Command, args: readonly string[]): Command | undefined {
  const words = args.filter(isWord)
  const group = program.commands.find((one) => one.name() === words[0])
  if (!group || group.commands.length === 0 || words.length > 1) return undefined
  const known = [program, group].flatMap((one) => one.options.flatMap(({ long, short }) => [long, short]))
  const flags = args.filter((arg) => arg.startsWith('-')).map((arg) => arg.split('=')[0]!)
  return flags.every((flag) => known.includes(flag)) ? group : undefined
}

/** The program with the command that is called, or with every command when none is. */
export async function programFor(args: readonly string[], io: Io = processIo): Promise<Command> {
  const { stdout = process.stdout } = io
  const program = new Program('nearside', io)
    .description('Run an ordinary web app in several regions, and survive the loss of one.')
    .version(version, '-V, --version', 'show the version')
    .option('-t, --topology <file>', 'topology file or its folder (default: current folder)')
    .option('-w, --world <name>', 'world to use if the folder has several')
    .addHelpText('after', epilogue)
    .configureHelp({ showGlobalOptions: true, subcommandTerm })
    .configureOutput({
      writeOut: (text) => void stdout.write(wrapLines(text, widthOf(stdout))),
      getOutHelpWidth: () => widthOf(stdout) ?? 80,
      outputError: () => undefined,
    })
    .showSuggestionAfterError(false)
    .exitOverride()
  const words = args.filter(isWord)
  const one = all.find(([name]) => name === words[0])
  if (one) await (await one[1]())(program, words)
  else
    for (const [group, commands] of Object.entries(groups)) {
      program.commandsGroup(group)
      for (const load of Object.values(commands)) await (await load())(program, words)
    }
  return program
}

/** Name and arguments, without commander's "[options]": every command has options. */
const subcommandTerm = (command: Command) =>
  [
    command.name(),
    ...command.registeredArguments.map((one) => {
      const name = `${one.name()}${one.variadic ? '...' : ''}`
      return one.required ? `<${name}>` : `[${name}]`
    }),
  ].join(' ')

/** Turns commander's error into ours, with our own suggestion. */
function usageError(
  error: CommanderError,
  program: Command | undefined,
  args: readonly string[],
): NearsideError {
  const called = calledIn(program, args)
  const code = error.code
    .replace(/^commander\./, '')
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return new NearsideError(`usage_${code}`, error.message.replace(/^error: /, ''), {
    remedy: meant(error, program, args) ?? seeHelp(called),
  })
}

/** A value that an option refused; errors of the command itself are printed by the command. */
function withHelp(error: unknown, called: string | undefined): unknown {
  if (!(error instanceof NearsideError) || error.remedy !== undefined) return error
  return new NearsideError(error.code, error.message, { remedy: seeHelp(called) })
}

const seeHelp = (called: string | undefined) => `see \`nearside${called ? ` ${called}` : ''} --help\``

function meant(
  error: CommanderError,
  program: Command | undefined,
  args: readonly string[],
): string | undefined {
  const [first, second] = args.filter(isWord)
  const command = program?.commands.find((one) => one.name() === first)
  const below = command?.commands.find((one) => one.name() === second)
  if (error.code === 'commander.unknownCommand') {
    const [word, known] = command
      ? [second, command.commands.map((one) => one.name())]
      : [first, commandNames]
    return didYouMean(word ?? '', known)
  }
  if (error.code !== 'commander.unknownOption') return undefined
  const options = [program, command, below].flatMap((one) => one?.options.map(({ long }) => long ?? '') ?? [])
  const flags = args.filter((arg) => arg.startsWith('--')).map((arg) => arg.split('=')[0]!)
  // The first that the command does not know is the one that it complained about.
  const stranger = flags.find((flag) => !options.includes(flag))
  return stranger && didYouMean(stranger, options)
}

const commandNames = all.map(([name]) => name)

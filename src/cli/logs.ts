import { open, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { type LogFile, logFiles } from '../world/logs/files.ts'
import { Follower } from '../world/logs/follow.ts'
import { redactor, renderLine } from '../world/logs/render.ts'
import { lastOf, tail, tailOf } from '../world/logs/tail.ts'
import { mergeByTime, type Timed, timed } from '../world/logs/time.ts'
import { action, exitCodes, type Output, type Style } from './output.ts'
import { lineCount, quantityOption } from './quantity-option.ts'

type Options = WorldOptions & { follow?: boolean; lines?: number; json?: boolean }
type Line = Timed & Pick<LogFile, 'region' | 'process'>

const examples = `
Examples:
  nearside logs                         the last 100 lines of everything, in the order of time
  nearside logs us-east                 of one region
  nearside logs us-east postgres -f     one process, and what comes from now on
  nearside logs us-east release         the app's release command; agent is the agent's own log

Logs are files and need no agent. Passwords of the world are shown as [secret].
Exit codes: 0 shown, 1 there is nothing, 2 wrong usage.`

const everyMs = 200
const rescanMs = 1000

export function logsCommand(program: Command): void {
  program
    .command('logs')
    .description('show what the processes of this machine have logged')
    .argument('[region]', 'only this region')
    .argument('[process]', 'only this process')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .addOption(
      quantityOption('-n, --lines <number>', 'how many lines from the end (default: 100)', lineCount),
    )
    .option('--json', 'one JSON object a line')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        await show(world, output, options, args)
        return exitCodes.ok
      }),
    )
}

async function show(
  world: WorldHandle,
  output: Output,
  options: Options,
  [region, process_]: string[],
): Promise<void> {
  const regions = region === undefined ? world.regions : [regionNamed(world, region)]
  const find = () => logFiles(world, regions, process_)
  const files = find()
  if (files.length === 0)
    throw new NearsideError('no_logs', 'no logs are on this machine for that', { remedy: 'nearside status' })
  const print = printer(world, files, output, options)
  const followers = new Map<string, Follower>()
  const wanted = options.lines ?? 100
  const read = await Promise.all(
    files.map(async (one) => {
      const { lines, offset } = options.follow
        ? await tailToFollow(one.file, wanted)
        : { lines: await tailBothOf(one.file, wanted), offset: 0 }
      followers.set(one.file, new Follower(one.file, offset))
      return label(one, timed(lines, await changedAt(one.file)))
    }),
  )
  for (const line of lastOf(mergeByTime(read), wanted)) print(line)
  if (options.follow) await follow(find, followers, print)
}

async function follow(
  find: () => LogFile[],
  followers: Map<string, Follower>,
  print: (line: Line) => void,
): Promise<never> {
  let files = find()
  for (let waited = 0; ; waited += everyMs) {
    if (waited >= rescanMs) {
      waited = 0
      files = find()
    }
    const read = await Promise.all(
      files.map(async (one) => {
        // A log that appears while we follow is new from its first line on.
        const follower = followers.get(one.file) ?? new Follower(one.file, 0)
        followers.set(one.file, follower)
        return label(one, timed(await follower.next(), Date.now()))
      }),
    )
    for (const line of mergeByTime(read)) print(line)
    await sleep(everyMs)
  }
}

const label = ({ region, process }: LogFile, lines: Timed[]): Line[] =>
  lines.map((line) => ({ ...line, region, process }))

async function tailToFollow(file: string, lines: number) {
  const handle = await open(file, 'r')
  try {
    return await tail(handle, lines)
  } finally {
    await handle.close()
  }
}

/** Just after a rotation the log itself is short: the rest is in its copy. */
async function tailBothOf(file: string, lines: number): Promise<string[]> {
  const now = await tailOf(file, lines)
  return now.length < lines ? [...(await tailOf(`${file}.1`, lines - now.length)), ...now] : now
}

const changedAt = async (file: string) => (await stat(file).catch(() => undefined))?.mtimeMs ?? Date.now()

/** One colour for each region, in topology order. */
const styles: Style[] = ['cyan', 'yellow', 'magenta', 'green', 'blue', 'red']

function printer(
  world: WorldHandle,
  files: readonly LogFile[],
  output: Output,
  { json }: Options,
): (line: Line) => void {
  const redact = redactor(Object.values(world.secrets))
  if (json)
    return ({ at, region, process: name, line }) =>
      void process.stdout.write(
        `${JSON.stringify({ at: new Date(at).toISOString(), region, process: name, line: redact(line) })}\n`,
      )
  const name = (one: Pick<LogFile, 'region' | 'process'>) => `${one.region}/${one.process}`
  const width = Math.max(...files.map((one) => name(one).length))
  const style = (region: string) =>
    styles[world.regions.findIndex((one) => one.name === region) % styles.length] ?? 'cyan'
  return (line) => {
    const prefix = files.length === 1 ? '' : `${output.paint(style(line.region), name(line).padEnd(width))}  `
    output.print(`${prefix}${redact(renderLine(line.line))}`)
  }
}

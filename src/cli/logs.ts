import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { NearsideError } from '../lib/errors.ts'
import type { Region } from '../topology/regions.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { type LogFile, logFiles } from '../world/logs/files.ts'
import { type LogLine, LogReader } from '../world/logs/reader.ts'
import { redactor, renderLine } from '../world/logs/render.ts'
import { action, exitCodes, type Output, type Style } from './output.ts'
import { lineCount, quantityOption } from './quantity-option.ts'

type Options = WorldOptions & { follow?: boolean; lines?: number; json?: boolean }

const examples = `
Examples:
  nearside logs                         the last 100 lines of all processes
  nearside logs us-east                 of one region
  nearside logs us-east postgres -f     follow one process
  nearside logs us-east release         output of the app's release command
  nearside logs us-east agent           the agent's own log

Reads log files, so it needs no running agent. Secrets of the world are
replaced by [secret].
Exit codes: 0 success, 1 no logs, 2 usage error.`

const everyMs = 200

export function logsCommand(program: Command): void {
  program
    .command('logs')
    .description('show logs of processes on this machine')
    .argument('[region]', 'only this region')
    .argument('[process]', 'only this process')
    .option('-f, --follow', 'print new lines until Ctrl-C')
    .addOption(
      quantityOption('-n, --lines <number>', 'number of lines from the end (default: 100)', lineCount),
    )
    .option('--json', 'print one JSON object per line')
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
  const regions = region === undefined ? world.regions : [withLogs(world, region)]
  const reader = new LogReader(() => logFiles(world, regions, process_))
  if (reader.files.length === 0)
    throw new NearsideError('no_logs', 'this machine has no such logs', {
      remedy: 'run `nearside status` to see which regions run here',
    })
  const print = printer(world, reader.files, output, options)
  const wanted = options.lines ?? 100
  for (const line of await (options.follow ? reader.lastBefore(wanted) : reader.last(wanted))) print(line)
  while (options.follow) {
    for (const line of await reader.next()) print(line)
    await sleep(everyMs)
  }
}

/** An unknown name lists only the regions that have logs here. */
function withLogs(world: WorldHandle, name: string): Region {
  const known = world.regions.find((one) => one.name === name)
  if (known) return known
  const here = world.regions.filter((one) => logFiles(world, [one]).length > 0)
  return regionNamed(world, name, here.length > 0 ? here : world.regions)
}

/** One colour per region, in topology order. */
const styles: Style[] = ['cyan', 'yellow', 'magenta', 'green', 'blue', 'red']

function printer(
  world: WorldHandle,
  files: readonly LogFile[],
  output: Output,
  { json }: Options,
): (line: LogLine) => void {
  const redact = redactor(Object.values(world.secrets))
  if (json)
    return ({ at, region, process: name, line }) =>
      output.resultLine({ at: new Date(at).toISOString(), region, process: name, line: redact(line) })
  const name = (one: Pick<LogFile, 'region' | 'process'>) => `${one.region}/${one.process}`
  const width = Math.max(...files.map((one) => name(one).length))
  const style = (region: string) =>
    styles[world.regions.findIndex((one) => one.name === region) % styles.length] ?? 'cyan'
  return (line) => {
    const prefix = files.length === 1 ? '' : `${output.paint(style(line.region), name(line).padEnd(width))}  `
    output.print(`${prefix}${redact(renderLine(line.line))}`)
  }
}

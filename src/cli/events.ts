import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Event } from '../agent/coordination/store.ts'
import { NearsideError } from '../lib/errors.ts'
import { clock } from '../lib/format.ts'
import { eventsOf } from '../world/events.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import type { WorldHandle } from '../world/handle.ts'
import { lastOf } from '../world/logs/tail.ts'
import { eventText } from './events/text.ts'
import { action, exitCodes, type Output } from './output.ts'
import { lineCount, quantityOption } from './quantity-option.ts'

type Options = WorldOptions & { follow?: boolean; lines?: number; verbose?: boolean; json?: boolean }

const examples = `
Examples:
  nearside events                       the last 50 decisions and what they were about
  nearside events --follow
  nearside events --json | jq '.[-1].detail.inputs'       what the last one was decided on

They are asked of any agent, or of etcd itself when no agent answers.
Exit codes: 0 shown, 1 nobody could be asked, 2 wrong usage.`

const everyMs = 700

export function eventsCommand(program: Command): void {
  program
    .command('events')
    .description('show what was decided, when, by whom and why')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .addOption(quantityOption('-n, --lines <number>', 'how many from the end (default: 50)', lineCount))
    .option('-v, --verbose', 'with the observations that each was decided on')
    .option('--json', 'answer as JSON; with --follow one event a line')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options }) => {
        const world = await worldOf(options)
        const wanted = options.lines ?? 50
        const events = lastOf(await eventsOf(world), wanted)
        if (options.follow) await follow(world, events, output, options)
        output.result(events)
        for (const event of events) output.print(line(event, output, options))
        if (events.length === 0) output.note('nothing has been decided yet')
        return exitCodes.ok
      }),
    )
}

async function follow(world: WorldHandle, first: Event[], output: Output, options: Options): Promise<never> {
  const seen = new Set<string>()
  const show = (events: readonly Event[]) => {
    for (const event of events) {
      const text = JSON.stringify(event)
      if (seen.has(text)) continue
      seen.add(text)
      if (options.json) process.stdout.write(`${text}\n`)
      else output.print(line(event, output, options))
    }
  }
  // What was left out because of --lines must not come as news.
  const all = await eventsOf(world)
  for (const event of all) if (!first.some((one) => one.at === event.at)) seen.add(JSON.stringify(event))
  show(first)
  let silent = false
  for (;;) {
    await sleep(everyMs)
    try {
      show(await eventsOf(world))
      silent = false
    } catch (error) {
      if (!silent && !(error instanceof NearsideError)) throw error
      if (!silent) output.note('nobody can be asked at the moment; trying again')
      silent = true
    }
  }
}

function line(event: Event, output: Output, { verbose }: Options): string {
  const head = `${output.paint('dim', clock(event.at))}  ${event.region}  ${eventText(event)}`
  const inputs = verbose ? event.detail.inputs : undefined
  return inputs === undefined ? head : `${head}\n    ${JSON.stringify(inputs)}`
}

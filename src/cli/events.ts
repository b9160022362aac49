import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Event } from '../agent/coordination/keys/event.ts'
import { NearsideError } from '../lib/errors.ts'
import { clock } from '../lib/format.ts'
import { printable } from '../lib/printable.ts'
import { eventsOf } from '../world/events.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import type { WorldHandle } from '../world/handle.ts'
import { lastOf } from '../world/logs/tail.ts'
import { eventText, inputLines } from './events/text.ts'
import { action, exitCodes, type Output } from './output.ts'
import { lineCount, quantityOption } from './quantity-option.ts'

type Options = WorldOptions & { follow?: boolean; lines?: number; verbose?: boolean; json?: boolean }

const examples = `
Examples:
  nearside events                       the last 50 events
  nearside events --follow
  nearside events --json | jq '.[-1].detail.inputs'     inputs of the last one

Any agent can answer; if none does, the events are read from etcd.
Exit codes: 0 success, 1 neither an agent nor etcd answered, 2 usage error.`

const everyMs = 700

export function eventsCommand(program: Command): void {
  program
    .command('events')
    .description('show decisions of the agents and commands of operators')
    .option('-f, --follow', 'print new events until Ctrl-C')
    .addOption(
      quantityOption('-n, --lines <number>', 'number of events from the end (default: 50)', lineCount),
    )
    .option('-v, --verbose', 'include the observations behind each decision')
    .option('--json', 'print JSON; with --follow, one event per line')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options }) => {
        const world = await worldOf(options)
        const wanted = options.lines ?? 50
        const events = lastOf(await eventsOf(world), wanted)
        if (options.follow) await follow(world, events, output, options)
        output.result(events)
        for (const event of events) output.print(line(event, output, options))
        if (events.length === 0) output.note('no events yet')
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
      output.resultLine(event)
      output.print(line(event, output, options))
    }
  }
  // Events that --lines left out must not appear as new ones.
  const all = await eventsOf(world)
  for (const event of all) if (!first.some((one) => one.at === event.at)) seen.add(JSON.stringify(event))
  show(first)
  let unanswered = false
  for (;;) {
    await sleep(everyMs)
    try {
      show(await eventsOf(world))
      unanswered = false
    } catch (error) {
      if (!(error instanceof NearsideError)) throw error
      if (!unanswered) output.note('neither an agent nor etcd answers; retrying')
      unanswered = true
    }
  }
}

/** Line by line: a text may come from an app or from another version. */
const printableLines = (inputs: unknown) => inputLines(inputs).split('\n').map(printable).join('\n')

function line(event: Event, output: Output, { verbose }: Options): string {
  const head = `${output.paint('dim', clock(event.at))}  ${printable(event.region)}  ${eventText(event)}`
  const inputs = verbose ? event.detail.inputs : undefined
  return inputs === undefined ? head : `${head}\n${printableLines(inputs)}`
}

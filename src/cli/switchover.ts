import type { Command } from 'commander'
import type { SwitchoverResult } from '../agent/database/switchover.ts'
import { unknown } from '../lib/did-you-mean.ts'
import { duration, milliseconds } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'
import { typed, type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { agentToAsk } from '../world/switchover.ts'
import { onInterrupt } from './interrupt.ts'
import { action, exitCodes, type Output } from './output.ts'

type Options = WorldOptions & { to?: string; json?: boolean }

const examples = `
Examples:
  nearside switchover                   to the standby that is in sync
  nearside switchover --to us-west

The old primary closes cleanly and the new one has every write before it takes over, so nothing is lost. Writes wait
meanwhile; how long is measured by a small user that writes all the time through the write endpoint.
Ctrl-C ends the waiting, not the move: once asked for, it goes on.
Exit codes: 0 the primary has moved, 1 it has not, 2 wrong usage, 130 interrupted (the move goes on).`

/** Patroni gives up after a minute; then the new primary has to be seen and written to. */
const limitMs = 150_000

export function switchoverCommand(program: Command): void {
  program
    .command('switchover')
    .description('move the primary to another region, planned and without loss')
    .option('--to <region>', 'the region that takes over (default: the standby in sync)')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options }) => {
        const world = await worldOf(options)
        const full = world.regions.filter((region) => region.full)
        if (options.to !== undefined) {
          const to = regionNamed(world, options.to)
          if (!to.full)
            unknown(
              'region',
              to.name,
              full.map((region) => region.name),
            )
        }
        const { signal } = onInterrupt(output, 'leave')
        const asked = await agentToAsk(world)
        if (signal.aborted) return exitCodes.interrupted
        const result = await move(world, asked, options.to, output, signal)
        if (result === 'interrupted') {
          output.note(
            `interrupted, and the move goes on: ${typed(world, 'nearside status')} says where the primary is, ${typed(world, 'nearside events')} how it ended`,
          )
          // The question to the agent is still open, and would keep this process.
          process.exit(exitCodes.interrupted)
        }
        output.result(result)
        const pause =
          result.writePauseMs === undefined
            ? 'how long writes paused could not be measured'
            : `writes paused for ${milliseconds(result.writePauseMs)}`
        output.print(
          `The primary moved from ${result.from} to ${result.to} in ${duration(result.seconds)}; ${pause}.`,
        )
        return exitCodes.ok
      }),
    )
}

const interrupted = (signal: AbortSignal) =>
  new Promise<'interrupted'>((resolve) => {
    if (signal.aborted) resolve('interrupted')
    signal.addEventListener('abort', () => resolve('interrupted'))
  })

async function move(
  world: WorldHandle,
  asked: Region,
  to: string | undefined,
  output: Output,
  signal: AbortSignal,
): Promise<SwitchoverResult | 'interrupted'> {
  const title = `Moving the primary${to === undefined ? '' : ` to ${to}`}`
  const live = output.live()
  const startedAt = performance.now()
  const draw = () => live?.draw([`${title}  ${duration((performance.now() - startedAt) / 1000)}`])
  if (!live) output.note(title)
  const timer = live && setInterval(draw, 100)
  try {
    const body = to === undefined ? {} : { to }
    const moved = world.call<SwitchoverResult>(asked, 'POST', '/v1/switchover', body, limitMs)
    return await Promise.race([moved, interrupted(signal)])
  } finally {
    clearInterval(timer)
    live?.end('clear')
  }
}

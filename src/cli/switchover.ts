import type { Command } from 'commander'
import type { SwitchoverResult } from '../agent/database/switchover.ts'
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
  nearside switchover                   to the sync standby
  nearside switchover --to us-west

The old primary shuts down cleanly, and the new one takes over only with every
write, so nothing is lost. Writes are held meanwhile; a probe that writes
continuously through the write endpoint measures the pause.
Ctrl-C stops the waiting, not the switchover.
Exit codes: 0 the primary has moved, 1 it has not, 2 usage error,
130 interrupted (the switchover continues).`

/** Patroni gives up after a minute; the new primary must then be seen and written to. */
const limitMs = 150_000

export function switchoverCommand(program: Command): void {
  program
    .command('switchover')
    .description('move the primary to another region without data loss')
    .option('--to <region>', 'new primary region (default: the sync standby)')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options }) => {
        const world = await worldOf(options)
        const full = world.regions.filter((region) => region.full)
        if (options.to !== undefined) regionNamed(world, options.to, full, '--to')
        const { signal } = onInterrupt(output, 'leave')
        const asked = await agentToAsk(world)
        if (signal.aborted) return exitCodes.interrupted
        const result = await move(world, asked, options.to, output, signal)
        if (result === 'interrupted') {
          output.note(
            `interrupted, but the switchover continues: see \`${typed(world, 'nearside status')}\` for the primary and \`${typed(world, 'nearside events')}\` for the outcome`,
          )
          // The open request to the agent would keep this process running.
          process.exit(exitCodes.interrupted)
        }
        output.result(result)
        const pause =
          result.writePauseMs === undefined
            ? 'the write pause could not be measured'
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

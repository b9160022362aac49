import type { Command } from 'commander'
import { type WorldOptions, worldOf } from '../world/find.ts'
import type { WorldHandle } from '../world/handle.ts'
import { worldStatus } from '../world/status/collect.ts'
import type { Health, WorldStatus } from '../world/status/types.ts'
import { action, exitCodes, type Output, widthOf } from './output.ts'
import { renderStatus } from './status/render.ts'

type Options = WorldOptions & { json?: boolean; verbose?: boolean; watch?: boolean }

const examples = `
Examples:
  nearside status
  nearside status --verbose             include pid, uptime and restarts
  nearside status --json | jq -r .primary

Answers within half a second. If agents are dead or hang, it asks the engines.
Exit codes: 0 healthy, 1 no region serves users or no world found,
2 usage error, 3 degraded: users are served, but something needs attention,
4 unknown: no region is known to serve users, and not all answered in time.`

const codes: Record<Health, number> = {
  healthy: exitCodes.ok,
  degraded: exitCodes.degraded,
  down: exitCodes.problem,
  unknown: exitCodes.unknown,
}

export function statusCommand(program: Command): void {
  program
    .command('status')
    .description('show the current state of the world')
    .option('-v, --verbose', 'include every process and every verdict')
    .option('--watch', 'refresh until Ctrl-C')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options }) => {
        const world = await worldOf(options)
        if (options.watch) return watch(world, output, options)
        const status = await worldStatus(world)
        output.result(status)
        output.print(renderStatus(status, output.paint, renderOptions(options)).trimEnd())
        return codes[status.health]
      }),
    )
}

const renderOptions = ({ verbose }: Options) => ({ verbose, width: widthOf(process.stdout) })

/** Redraws in place on a terminal. Elsewhere prints one status after another, with --json one per line. */
async function watch(world: WorldHandle, output: Output, options: Options): Promise<number> {
  const live = output.live('stdout')
  let last: WorldStatus | undefined
  let stopped = false
  process.once('SIGINT', () => {
    stopped = true
    live?.end()
    process.exit(last ? codes[last.health] : exitCodes.ok)
  })
  while (!stopped) {
    last = await worldStatus(world)
    const text = renderStatus(last, output.paint, renderOptions(options))
    if (live) live.draw(text.trimEnd().split('\n'))
    else if (options.json) output.resultLine(last)
    else output.print(text)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  return exitCodes.ok
}

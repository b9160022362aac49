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
  nearside status --verbose             every process with its pid, uptime and restarts
  nearside status --json | jq -r .primary

Exit codes: 0 all is healthy, 3 users are served but something needs a look, 1 no region serves users or there is no
world, 2 wrong usage. It answers in half a second, also when agents are dead or hang; then the engines are asked.`

const codes: Record<Health, number> = {
  healthy: exitCodes.ok,
  degraded: exitCodes.degraded,
  down: exitCodes.problem,
}

export function statusCommand(program: Command): void {
  program
    .command('status')
    .description('show what the world is like right now')
    .option('-v, --verbose', 'every process and every verdict')
    .option('--watch', 'go on showing it until Ctrl-C')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options }) => {
        const world = await worldOf(options)
        if (options.watch) return watch(world, output, options)
        const status = await worldStatus(world)
        output.result(status)
        output.print(renderStatus(status, output.paint, look(options)).trimEnd())
        return codes[status.health]
      }),
    )
}

const look = ({ verbose }: Options) => ({ verbose, width: widthOf(process.stdout) })

/** On a terminal in place; elsewhere one answer after the other, with --json one a line. */
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
    const text = renderStatus(last, output.paint, look(options))
    if (live) live.draw(text.trimEnd().split('\n'))
    else process.stdout.write(options.json ? `${JSON.stringify(last)}\n` : `${text}\n`)
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  return exitCodes.ok
}

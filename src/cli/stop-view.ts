import type { Stage } from '../agent/supervision/shutdown-order.ts'
import { count, duration, list } from '../lib/format.ts'
import type { Region } from '../topology/regions.ts'
import type { WorldHandle } from '../world/handle.ts'
import { stopWorld } from '../world/stop.ts'
import type { Output } from './output.ts'

type Step = Stage | 'rest'

const words: Record<Step, string> = {
  quiet: 'probes and decisions',
  users: 'user traffic: edges, caches, DNS and app',
  replica: 'standby databases',
  primary: 'primary database',
  all: 'etcd',
  rest: 'remaining processes',
}

/** Stops these regions and shows progress: in place on a terminal, elsewhere one line per stage. */
export async function stopShown(
  world: WorldHandle,
  regions: readonly Region[],
  output: Output,
): Promise<void> {
  const startedAt = performance.now()
  const steps: { step: Step; at: number }[] = []
  const live = output.live()
  const draw = () => live?.draw(stopLines(world.name, steps, performance.now() - startedAt, output.paintNote))
  const timer = live && setInterval(draw, 100)
  const orphans: string[] = []
  try {
    const rest = await stopWorld(world, regions, {
      onStage(step) {
        steps.push({ step, at: performance.now() - startedAt })
        if (live) draw()
        else output.note(`stopping ${words[step]}`)
      },
      onOrphan: (region) => void orphans.push(region),
    })
    live?.end('clear')
    if (orphans.length > 0) output.note(`${list(orphans)}: stopped without an agent, because none answered`)
    if (rest.length > 0)
      output.note(`stopped ${count(rest.length, 'process', 'processes')} without a record: ${namesOf(rest)}`)
  } finally {
    clearInterval(timer)
    live?.end('clear')
  }
}

const namesOf = (rest: readonly { region: string; name: string }[]) =>
  list([...new Set(rest.map((one) => `${one.region}/${one.name}`))])

/** Renders the block. Pure. */
export function stopLines(
  name: string,
  steps: readonly { step: Step; at: number }[],
  now: number,
  paint: Output['paint'],
): string[] {
  const rows = steps.map(({ step, at }, i) => {
    const next = steps[i + 1]
    const mark = next ? paint('green', '✓') : paint('yellow', '●')
    return `  ${mark} ${words[step].padEnd(46)} ${duration(((next?.at ?? now) - at) / 1000)}`
  })
  return [paint('bold', `Stopping ${name}`), ...rows]
}

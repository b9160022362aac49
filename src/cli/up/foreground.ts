import { setTimeout as sleep } from 'node:timers/promises'
import { clock } from '../../lib/format.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { agentKeeper } from '../../world/keep-agents.ts'
import { changesIn } from '../../world/status/changes.ts'
import { worldStatus } from '../../world/status/collect.ts'
import { isStopped } from '../../world/status/health.ts'
import type { WorldStatus } from '../../world/status/types.ts'
import { type Output, widthOf } from '../output.ts'
import { renderStatus } from '../status/render.ts'

const everyMs = 1000

/**
 * Shows the state of the world until `signal` aborts, or until another command has stopped it. Returns which of the
 * two.
 */
export async function watchWorld(
  world: WorldHandle,
  regions: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<'interrupted' | 'stopped elsewhere'> {
  const live = output.live('stdout')
  const keepAgents = agentKeeper(world, regions, output.note)
  let before: WorldStatus | undefined
  try {
    while (!signal.aborted) {
      const status = await worldStatus(world)
      if (isStopped(status.regions)) return 'stopped elsewhere'
      for (const region of await keepAgents(performance.now())) {
        const line = `${region}: its agent had exited and was restarted`
        if (live) live.say(line)
        else output.note(`${clock(status.at)} ${line}`)
      }
      if (live) {
        const text = renderStatus(status, output.paint, { width: widthOf(process.stdout) })
          .trimEnd()
          .split('\n')
        live.draw([...text, '', output.paint('dim', 'Ctrl-C stops the world.')])
      } else if (before)
        for (const line of changesIn(before, status)) output.note(`${clock(status.at)} ${line}`)
      before = status
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
    return 'interrupted'
  } finally {
    live?.end(signal.aborted ? 'clear' : 'keep')
  }
}

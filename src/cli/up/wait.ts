import type { Started } from '../../world/prepare.ts'
import { durable, type Sample, untilServing } from '../../world/start.ts'
import type { Output } from '../output.ts'
import { createProgress } from './progress.ts'

/**
 * Shows how a world comes up; resolves when these regions serve and, if they are to be the whole world, durability is
 * in force. Rejects when something has failed for good.
 */
export async function untilUp(
  { world, regions, agents }: Started,
  output: Output,
  signal: AbortSignal,
  all: boolean,
): Promise<void> {
  // One region alone cannot wait for a standby that another host starts later.
  const whole = all && regions.length === world.regions.length
  const enough = (samples: readonly Sample[]) => !whole || durable(world, samples)
  const progress = createProgress(output, {
    title: `${agents.size > 0 ? 'Starting' : 'Waiting for'} ${world.name}`,
    rest: (samples) => (enough(samples) ? undefined : 'waiting for a standby in sync with the primary'),
  })
  try {
    await untilServing(world, regions, {
      agents,
      enough,
      onSample: (samples) => progress.show(samples),
      onTrouble: (message) => output.note(message),
      signal,
    })
  } finally {
    progress.end()
  }
}

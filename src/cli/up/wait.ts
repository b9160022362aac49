import type { Started } from '../../world/prepare.ts'
import { durable, type Sample, untilServing } from '../../world/start.ts'
import type { Output } from '../output.ts'
import { createProgress } from './progress.ts'

/**
 * Shows a world's start; resolves when these regions serve and, if they make up the whole world, durability is in
 * force. Rejects on permanent failure.
 */
export async function untilUp(
  { world, regions, agents }: Started,
  output: Output,
  signal: AbortSignal,
  all: boolean,
): Promise<void> {
  // A single region cannot wait for a standby that another host starts later.
  const whole = all && regions.length === world.regions.length
  const enough = (samples: readonly Sample[]) => !whole || durable(world, samples)
  const progress = createProgress(output, {
    title: `${agents.size > 0 ? 'Starting' : 'Waiting for'} ${world.name}`,
    rest: (samples) => (enough(samples) ? undefined : 'waiting for a sync standby'),
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

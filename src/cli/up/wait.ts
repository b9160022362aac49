import { dnsWaitsFor, isComputing } from '../../world/dns-ready.ts'
import type { Started } from '../../world/prepare.ts'
import { durable, type Sample, untilServing } from '../../world/start.ts'
import type { Output } from '../output.ts'
import { createProgress } from './progress.ts'

/** All that DNS waits for takes seconds. After this, users are served although some get the wrong region. */
const dnsWithinMs = 60_000

/** Enough for processes that are started again. */
const runningWithinMs = 60_000

/**
 * Shows a world's start; resolves when these regions serve and, if they make up the whole world, durability is in force
 * and DNS gives every user the right answer. Rejects on permanent failure.
 */
export async function untilUp(
  { world, regions, agents }: Started,
  output: Output,
  signal: AbortSignal,
  all: boolean,
): Promise<void> {
  // A single region cannot wait for a standby or an agreement that another host starts later. A world that was already
  // running may lack them for as long as a link is cut: that is for `nearside status`.
  const whole = all && regions.length === world.regions.length && agents.size > 0
  const dns = dnsPatience()
  const rest = (samples: readonly Sample[]) => {
    if (!whole) return undefined
    return durable(world, samples) ? dns.waitsFor(samples, performance.now()) : 'waiting for a sync standby'
  }
  const progress = createProgress(output, {
    title: `${agents.size > 0 ? 'Starting' : 'Waiting for'} ${world.name}`,
    rest,
  })
  // A running world may be degraded for as long as its fault lasts.
  const patience = agents.size > 0 ? undefined : AbortSignal.timeout(runningWithinMs)
  try {
    await untilServing(world, regions, {
      agents,
      enough: (samples) => rest(samples) === undefined,
      onSample: (samples) => progress.show(samples),
      onTrouble: (message) => output.note(message),
      signal: patience ? AbortSignal.any([signal, patience]) : signal,
    })
  } catch (error) {
    if (!patience?.aborted || signal.aborted) throw error
    output.note('the world was running already, and not every region serves users; see `nearside status`')
  } finally {
    progress.end()
  }
  if (dns.gaveUp !== undefined) output.note(`still ${dns.gaveUp}; see \`nearside status\``)
}

/** Remembers since when only DNS is missing, and stops waiting for it in the end. */
export function dnsPatience() {
  let sinceMs: number | undefined
  const patience = {
    gaveUp: undefined as string | undefined,
    waitsFor(samples: readonly Sample[], now: number): string | undefined {
      const missing = dnsWaitsFor(samples)
      if (missing === undefined || isComputing(samples)) sinceMs = undefined
      else sinceMs ??= now
      const isTooLong = sinceMs !== undefined && now - sinceMs >= dnsWithinMs
      patience.gaveUp = isTooLong ? missing : undefined
      return isTooLong ? undefined : missing
    },
  }
  return patience
}

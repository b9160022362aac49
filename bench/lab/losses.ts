import { setTimeout as delay } from 'node:timers/promises'
import type { Violation } from '../../src/lab/checker/index.ts'
import type { LabWorld } from '../../test/support/lab/world.ts'
import { type Loss, measureLoss } from '../failover/loss.ts'
import { seconds } from '../world.ts'
import { setTiming, type Timing } from './patroni.ts'
import type { Say } from './say.ts'
import { roundTripMs, withLab } from './world.ts'

/** Killed: its machines refuse connections immediately. Unreachable: packets to and from it are dropped. */
export const faults = ['killed', 'unreachable'] as const
export type FaultName = (typeof faults)[number]

export type LossesInput = {
  /** Agents revoke the leader's lease of an unreachable region; otherwise Patroni waits until it expires. */
  agents: boolean
  /** By name; null keeps the world's own. */
  timings: Record<string, Timing | null>
  runs: number
}

export type Losses = {
  roundTripMs: number
  measured: { timing: string; fault: FaultName; loss: Loss }[]
  /** Violations over all runs. */
  violations: Violation[]
}

const rates = { writesPerSecond: 50, readsPerSecond: 50 }
const beforeMs = 3000
const afterMs = 3000
/** Longer than Patroni's slowest. */
const limitMs = 120_000

/** Loses the primary's region repeatedly, alternating the faults, with users at the other full region's edge. */
export async function losses({ agents, timings, runs }: LossesInput, say: Say): Promise<Losses> {
  const topology = { failover: { automatic: agents } }
  return withLab({ topology }, async (lab) => {
    const { world } = lab
    const measured: Losses['measured'] = []
    for (let run = 1; run <= runs; run += 1)
      for (const [timing, values] of Object.entries(timings))
        for (const fault of faults) {
          if (values) await setTiming(world, values)
          const loss = await lose(lab, fault)
          say(`${timing}, ${fault}, ${run} of ${runs}: ${loss.told}`)
          measured.push({ timing, fault, loss })
        }
    say('reading all writes from both databases')
    const [first, second] = world.regions
    return {
      roundTripMs: roundTripMs(lab, first!, second!),
      measured,
      violations: await world.violations(),
    }
  })
}

async function lose(lab: LabWorld, fault: FaultName): Promise<Loss> {
  const { world } = lab
  const primary = await world.find('primary')
  const survivor = await world.find('replica')
  const load = world.load([survivor], rates)
  await world.until('writes to flow', () => load.acknowledgedWrites() > rates.writesPerSecond)
  await delay(beforeMs)
  const happened = fault === 'killed' ? await world.killRegion(primary) : await cutOff(lab, primary)
  await world.until(
    'writes sent after the loss',
    () => load.acknowledgedSince(happened.toMs) > rates.writesPerSecond,
    limitMs,
  )
  await delay(afterMs)
  const stopped = load.stop()
  const rejoinSeconds = await seconds(async () => {
    if (fault === 'killed') await world.up([primary])
    else await lab.heal()
    await world.settled()
  })
  await stopped
  return measureLoss({ primary, attempts: load.attempts, fault: happened, rejoinSeconds })
}

async function cutOff(lab: LabWorld, region: string): Promise<{ fromMs: number; toMs: number }> {
  const fromMs = performance.now()
  const others = lab.world.regions.filter((one) => one !== region)
  const links = lab.base.filter(
    ({ from, to }) => (from === region && others.includes(to)) || (to === region && others.includes(from)),
  )
  await lab.shaper.set(links.map((link) => ({ ...link, params: { ...link.params, cut: true } })))
  return { fromMs, toMs: performance.now() }
}

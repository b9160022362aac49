import { setTimeout as delay } from 'node:timers/promises'
import type { Violation } from '../../src/lab/checker/index.ts'
import type { LabWorld } from '../../test/support/lab/world.ts'
import { type Loss, measureLoss } from '../failover/loss.ts'
import { seconds } from '../world.ts'
import { setTiming, type Timing } from './patroni.ts'
import type { Say } from './say.ts'
import { roundTripMs, withLab } from './world.ts'

/** Refused: its processes are gone, and its machines say so at once. Silent: packets to and from it vanish. */
export const faults = ['killed', 'unreachable'] as const
export type FaultName = (typeof faults)[number]

export type LossesInput = {
  /** Agents take the leader's lease from a lost region; otherwise Patroni waits until it ends. */
  agents: boolean
  /** By what they are called; without one, the world's own stays. */
  timings: Record<string, Timing | null>
  runs: number
}

export type Losses = {
  roundTripMs: number
  measured: { timing: string; fault: FaultName; loss: Loss }[]
  /** Promises that were not kept in any of it. */
  violations: Violation[]
}

const rates = { writesPerSecond: 50, readsPerSecond: 50 }
const beforeMs = 3000
const afterMs = 3000
/** Longer than Patroni's slowest. */
const limitMs = 120_000

/** The primary's region lost again and again, in turns in each way, with users at the other full region's edge. */
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
    say('asking both databases for everything that was written')
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
  const happened = fault === 'killed' ? await world.killRegion(primary) : await fallSilent(lab, primary)
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

async function fallSilent(lab: LabWorld, region: string): Promise<{ fromMs: number; toMs: number }> {
  const fromMs = performance.now()
  const others = lab.world.regions.filter((one) => one !== region)
  const links = lab.base.filter(
    ({ from, to }) => (from === region && others.includes(to)) || (to === region && others.includes(from)),
  )
  await lab.shaper.set(links.map((link) => ({ ...link, params: { ...link.params, cut: true } })))
  return { fromMs, toMs: performance.now() }
}

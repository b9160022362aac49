import { setTimeout as delay } from 'node:timers/promises'
import { agentsOf } from '../test/support/world/processes.ts'
import type { Benchmark, Figure } from './figure.ts'
import { sum } from './statistics.ts'
import { memoryOf, usageOf, usedBetween } from './usage.ts'
import { withShop } from './world.ts'

const settleMs = 60_000
const measureMs = 60_000

export const footprint: Benchmark = {
  name: 'footprint',
  title: 'Memory and idle processor time',
  how: `The shop's world without a user, a minute after every region was ready: memory of each agent as the kernel
counts it (resident, and proportional, where shared pages count in part), then CPU time of all the world's processes over
another minute, ended children included.`,
  run: (_, say) =>
    withShop(async (world) => {
      say('starting a world')
      await world.up()
      await world.settled()
      say(`letting it come to rest for ${settleMs / 1000} s`)
      await delay(settleMs)
      const memory = world.regions.map((region) => {
        const [pid] = agentsOf(world.folder, region)
        if (pid === undefined) throw new Error(`${region} has no agent`)
        return { region, ...memoryOf(pid) }
      })
      say(`watching it for ${measureMs / 1000} s`)
      const startedMs = performance.now()
      const before = usageOf(world.folder)
      await delay(measureMs)
      const used = usedBetween(before, usageOf(world.folder))
      const elapsedSeconds = (performance.now() - startedMs) / 1000
      const percent = (cpuSeconds: number) => (cpuSeconds / elapsedSeconds) * 100
      const parts = [...used].sort(([, a], [, b]) => b - a)
      return [
        ...memory.map(
          ({ region, residentMb, proportionalMb }): Figure => ({
            what: `agent of ${region}, resident`,
            value: residentMb,
            unit: 'MB',
            target: { atMost: 120 },
            note: `proportional ${proportionalMb.toFixed(0)} MB`,
          }),
        ),
        {
          what: 'idle world, share of one core',
          value: percent(sum([...used.values()])),
          unit: '%',
          target: { atMost: 30 },
        },
        ...parts.map(
          ([group, cpuSeconds]): Figure => ({ what: `  ${group}`, value: percent(cpuSeconds), unit: '%' }),
        ),
      ]
    }),
}

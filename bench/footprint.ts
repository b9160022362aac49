import { setTimeout as delay } from 'node:timers/promises'
import { agentsOf, processesOfRegion } from '../test/support/world/processes.ts'
import type { Benchmark, Figure } from './figure.ts'
import { sum } from './statistics.ts'
import { memoryByGroup, memoryOf, usageOf, usedBetween } from './usage.ts'
import { example, withShop } from './world.ts'

const settleMs = 60_000
const measureMs = 60_000

/** Adds the missing role. */
const edgeRegion = { 'sa-east': { location: { lat: -23.55, lon: -46.63 }, role: 'edge' } } as const

type Role = 'full' | 'witness' | 'edge'

export const footprint: Benchmark = {
  name: 'footprint',
  title: 'Memory and idle processor time',
  how: `The shop's world (two full regions, a witness) with an additional region of role \`edge\`, without users, a minute after every
region was ready. Memory: what the kernel counts for all processes of a region, shared pages in equal parts; for agents also
their resident memory. CPU time: of all of a region's processes over another minute, ended children included, in percent of
one core. The two full regions differ in which holds the primary.`,
  run: (_, say) =>
    withShop(async (world) => {
      say('starting a world')
      await world.up()
      await world.settled()
      say(`letting it settle for ${settleMs / 1000} s`)
      await delay(settleMs)
      const primary = await world.find('primary')
      const regions = world.regions.map((region) => {
        const [agent] = agentsOf(world.folder, region)
        if (agent === undefined) throw new Error(`${region} has no agent`)
        const memory = memoryByGroup(processesOfRegion(world.folder, region))
        return { region, role: roleOf(region), agentMb: memoryOf(agent).residentMb, memory }
      })
      say(`measuring it for ${measureMs / 1000} s`)
      const look = () =>
        new Map(
          world.regions.map((region) => [region, usageOf(processesOfRegion(world.folder, region))] as const),
        )
      const startedMs = performance.now()
      const before = look()
      await delay(measureMs)
      const after = look()
      const elapsedSeconds = (performance.now() - startedMs) / 1000
      const percentOf = (region: string) =>
        percents(usedBetween(before.get(region)!, after.get(region)!), elapsedSeconds)
      const own = regions.filter(({ region }) => region in example.regions)
      return [
        ...regions.map(
          ({ region, role, agentMb }): Figure => ({
            what: `agent, ${said(role, region, primary)}`,
            value: agentMb,
            unit: 'MB',
            target: { atMost: 120 },
          }),
        ),
        ...regions.map(
          ({ region, role, memory }): Figure => ({
            what: `memory, ${said(role, region, primary)}`,
            value: total(memory),
            unit: 'MB',
            note: parts(memory, 'MB'),
          }),
        ),
        ...regions.map(({ region, role }): Figure => {
          const used = percentOf(region)
          return {
            what: `idle, ${said(role, region, primary)}`,
            value: total(used),
            unit: '%',
            note: parts(used, '%'),
          }
        }),
        {
          what: 'idle, two full regions and witness together',
          value: sum(own.map(({ region }) => total(percentOf(region)))),
          unit: '%',
          target: { atMost: 30 },
        },
      ]
    }, edgeRegion),
}

const roleOf = (region: string): Role =>
  region in edgeRegion ? 'edge' : ((example.regions[region]!.role ?? 'full') as Role)

const said = (role: Role, region: string, primary: string) =>
  role === 'full' ? `full, with the ${region === primary ? 'primary' : 'replica'}` : role

const total = (parts: ReadonlyMap<string, number>) => sum([...parts.values()])

function percents(used: ReadonlyMap<string, number>, elapsedSeconds: number): Map<string, number> {
  return new Map([...used].map(([group, seconds]) => [group, (100 * seconds) / elapsedSeconds]))
}

/** Largest first; omits what rounds to zero. */
function parts(all: ReadonlyMap<string, number>, unit: string): string {
  return [...all]
    .filter(([, value]) => value >= 0.05)
    .sort(([, a], [, b]) => b - a)
    .map(([group, value]) => `${group} ${value.toFixed(1)} ${unit}`)
    .join(', ')
}

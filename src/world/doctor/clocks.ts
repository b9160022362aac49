import type { RegionStatus } from '../../agent/http/status.ts'
import { list, milliseconds } from '../../lib/format.ts'
import type { WorldHandle } from '../handle.ts'
import { type Finding, ok } from './finding.ts'

/** How far an agent's clock is from ours, give or take half of the time that the question took. */
type Offset = { region: string; offsetMs: number; errorMs: number }

export async function clockFindings(world: WorldHandle): Promise<Finding[]> {
  const offsets = await Promise.all(
    world.regions.map(async (region): Promise<Offset | undefined> => {
      try {
        const before = Date.now()
        const { at } = await world.call<RegionStatus>(region, 'GET', '/v1/status', undefined, 2000)
        const after = Date.now()
        return { region: region.name, offsetMs: at - (before + after) / 2, errorMs: (after - before) / 2 }
      } catch {
        return undefined
      }
    }),
  )
  return [evaluateClocks(offsets.filter((one) => one !== undefined))]
}

const toleratedMs = 100
const wrongMs = 1000

/**
 * Pure. No decision needs clocks to agree (durations are measured by one clock each); lag by heartbeat, logs, events
 * and certificates do.
 */
export function evaluateClocks(offsets: readonly Offset[]): Finding {
  if (offsets.length === 0) return ok('clocks', 'no agent answers, so there is nothing to compare')
  const beyond = offsets.filter(({ offsetMs, errorMs }) => Math.abs(offsetMs) - errorMs > toleratedMs)
  if (beyond.length === 0)
    return ok('clocks', `those of ${list(offsets.map((one) => one.region))} agree with this machine’s`)
  const worst = Math.max(...beyond.map(({ offsetMs }) => Math.abs(offsetMs)))
  const said = beyond.map(
    ({ region, offsetMs }) =>
      `${region} ${milliseconds(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`,
  )
  return {
    check: 'clocks',
    state: worst > wrongMs ? 'problem' : 'warning',
    message: `clocks differ: ${said.join(', ')}`,
    remedy: 'let chrony or systemd-timesyncd set the clocks of all hosts',
  }
}

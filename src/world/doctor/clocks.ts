import type { RegionStatus } from '../../agent/http/status.ts'
import { list, milliseconds } from '../../lib/format.ts'
import type { WorldHandle } from '../handle.ts'
import { type Finding, ok } from './finding.ts'

/** Offset of an agent's clock from this machine's; `errorMs` is half of the request's round trip. */
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
 * No decision compares clocks: each duration is measured by a single clock. Heartbeat lag, logs, events and
 * certificates do depend on synchronized clocks. Pure.
 */
export function evaluateClocks(offsets: readonly Offset[]): Finding {
  if (offsets.length === 0) return ok('clocks', 'no agent answers, nothing to compare')
  const beyond = offsets.filter(({ offsetMs, errorMs }) => Math.abs(offsetMs) - errorMs > toleratedMs)
  if (beyond.length === 0)
    return ok('clocks', `${list(offsets.map((one) => one.region))} agree with this machine`)
  const worst = Math.max(...beyond.map(({ offsetMs }) => Math.abs(offsetMs)))
  const said = beyond.map(
    ({ region, offsetMs }) =>
      `${region} ${milliseconds(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead' : 'behind'}`,
  )
  return {
    check: 'clocks',
    state: worst > wrongMs ? 'problem' : 'warning',
    message: `clocks differ from this machine: ${said.join(', ')}`,
    remedy: 'synchronize all hosts with chrony or systemd-timesyncd',
  }
}

import { duration, list } from '../../lib/format.ts'
import type { Problem, RegionReport, WorldStatus } from './types.ts'

type Regions = Pick<WorldStatus, 'regions' | 'at'>

/** What is wrong with the tables that DNS answers from. Health is applied to every one of them. Pure. */
export function steeringProblems(status: Regions): Problem[] {
  return [...geoipProblems(status), ...buildingProblems(status), ...disagreementProblems(status)]
}

const isUniform = ({ steering }: RegionReport) => steering?.table?.kind === 'uniform'

/** Regions on one machine share their databases, so the same reason is one problem. */
function geoipProblems({ regions, at }: Regions): Problem[] {
  const failing = regions.filter(({ steering }) => steering?.problem !== undefined)
  const byReason = Map.groupBy(failing, (one) => `${one.steering!.problem!.why}\n${isUniform(one)}`)
  return [...byReason.values()].map((some) => {
    const { why, remedy } = some[0]!.steering!.problem!
    const since = duration(
      Math.max(0, at - Math.min(...some.map((one) => one.steering!.problem!.sinceMs))) / 1000,
    )
    const names = list(some.map((one) => one.region))
    const instead = isUniform(some[0]!)
      ? 'DNS there sends everyone to the first healthy region'
      : 'DNS there steers by the last good table'
    return {
      code: 'geoip_unusable',
      ...(some.length === 1 ? { region: some[0]!.region } : {}),
      message: `${names}: steering.geoip has been unusable for ${since}: ${why}; ${instead}, without unhealthy regions`,
      ...(remedy === undefined ? {} : { remedy }),
    }
  })
}

/** A table that takes long is a problem only while DNS has no other. */
function buildingProblems({ regions }: Regions): Problem[] {
  const building = regions.filter(
    (one) => isUniform(one) && one.steering?.problem === undefined && one.steering?.percent !== undefined,
  )
  if (building.length === 0) return []
  const percent = Math.min(...building.map((one) => one.steering!.percent!))
  return [
    {
      code: 'steering_table_building',
      message: `${list(building.map((one) => one.region))}: the steering table is being computed (${percent} %); DNS there sends everyone to the first healthy region until then`,
    },
  ]
}

/** Regions that answer by different tables give a user different answers, depending on which server is asked. */
function disagreementProblems({ regions }: Regions): Problem[] {
  const answering = regions.filter(({ steering }) => steering?.table !== undefined)
  const revisionOf = ({ steering }: RegionReport) =>
    steering?.table?.kind === 'uniform'
      ? 'the topology order'
      : `table ${steering!.table!.revision.slice(0, 8)}`
  const byTable = Map.groupBy(answering, revisionOf)
  if (byTable.size > 1)
    return [
      {
        code: 'steering_disagrees',
        message: `regions answer DNS differently: ${describe(byTable)}`,
        remedy: 'make the files in steering.geoip the same on all hosts; see `nearside logs REGION agent`',
      },
    ]
  const wanting = regions.filter(({ steering }) => steering?.wanted !== undefined)
  const byWanted = Map.groupBy(wanting, ({ steering }) => `table ${steering!.wanted!.slice(0, 8)}`)
  if (byWanted.size > 1)
    return [
      {
        code: 'steering_disagrees',
        message: `regions have different GeoIP databases or topologies: ${describe(byWanted)}; all still answer by the same table`,
        remedy: 'make the files in steering.geoip the same on all hosts',
      },
    ]
  return []
}

const describe = (by: Map<string, RegionReport[]>) =>
  [...by].map(([what, some]) => `${list(some.map((one) => one.region))} by ${what}`).join('; ')

import { duration, list } from '../../lib/format.ts'
import { localRegions } from '../../world/here.ts'
import { hint } from '../../world/hint.ts'
import type { Started } from '../../world/prepare.ts'
import { table } from '../output.ts'

/** Addresses, and the commands to try next. */
export function renderPlaces(
  { world, regions, agents }: Started,
  seconds: number,
  detached: boolean,
): string {
  const started = agents.size > 0
  const { ports, domain } = world.record.topology
  const edges = regions.filter((region) => region.serves)
  const where = edges.length > 0 ? `is up in ${list(edges.map((region) => region.name))}` : 'is up'
  const did = started ? `${where} (${duration(seconds)})` : `${where}; nothing to start`
  const [edge] = edges
  const [full] = localRegions(world).filter((region) => region.full)
  const rows = [
    ...edges.map((region, i) => [
      i === 0 ? 'Users' : '',
      `http://${region.address}:${ports.http}  ${region.name}`,
    ]),
    ...(edge ? [['DNS', `dig @${edge.address} -p ${ports.dns} ${domain}`]] : []),
    ['Status', hint(world, 'status')],
    ['', hint(world, 'logs --follow')],
    ...(full && world.regions.length > 2 ? [['Test', hint(world, `kill ${full.name}`)]] : []),
    ['Stop', detached ? hint(world, 'down') : 'Ctrl-C'],
  ]
  const lines = table([{ head: '' }, { head: '' }], rows)
  return `${world.name} ${did}\n\n${lines.replace(/^/gm, '  ')}\n`
}

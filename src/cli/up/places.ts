import { duration, list } from '../../lib/format.ts'
import { localRegions } from '../../world/here.ts'
import { hint } from '../../world/hint.ts'
import type { Started } from '../../world/prepare.ts'
import { table } from '../output.ts'

/** Where things are now, and what to type next. */
export function renderPlaces(
  { world, regions, agents }: Started,
  seconds: number,
  detached: boolean,
): string {
  const started = agents.size > 0
  const { ports, domain } = world.record.topology
  const edges = regions.filter((region) => region.serves)
  const where = edges.length > 0 ? `serves in ${list(edges.map((region) => region.name))}` : 'is up'
  const did = started ? `${where} (${duration(seconds)})` : `${where}; nothing had to be started`
  const [edge] = edges
  const [full] = localRegions(world).filter((region) => region.full)
  const rows = [
    ...edges.map((region, i) => [
      i === 0 ? 'Users' : '',
      `http://${region.address}:${ports.http}  ${region.name}`,
    ]),
    ...(edge ? [['DNS', `dig @${edge.address} -p ${ports.dns} ${domain}`]] : []),
    ['Sample', hint(world, 'status')],
    ['', hint(world, 'logs --follow')],
    ...(full && world.regions.length > 2 ? [['Rehearse', hint(world, `kill ${full.name}`)]] : []),
    ['Stop', detached ? hint(world, 'down') : 'Ctrl-C'],
  ]
  const lines = table([{ head: '' }, { head: '' }], rows)
  return `${world.name} ${did}\n\n${lines.replace(/^/gm, '  ')}\n`
}

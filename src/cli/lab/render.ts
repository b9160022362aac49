import { visitor } from '../../lab/network/addresses.ts'
import type { LabStatus, ShownLink } from '../../lab/status.ts'
import { bitsText, duration, list, shareText } from '../../lib/format.ts'
import { hint } from '../../world/hint.ts'
import type { Started } from '../../world/prepare.ts'
import { type Column, type Output, type Style, table } from '../output.ts'

type Paint = Output['paint']

/** Summary of what `lab up` has created. Pure. */
export function madeWords(name: string, made: readonly string[], fresh: boolean): string {
  if (fresh) return `Created the network of ${name}`
  return `Restored the network of ${name}: ${list(made)}`
}

/** Addresses, and the commands to try next. */
export function renderPlaces({ world, regions, agents }: Started, seconds: number): string {
  const { ports, domain } = world.record.topology
  const edges = regions.filter((region) => region.serves)
  const did =
    agents.size > 0
      ? `is up in ${list(edges.map((region) => region.name))} (${duration(seconds)})`
      : 'is up; nothing to start'
  const [edge] = edges
  const user = `lab exec internet -- curl --interface ${visitor.address}`
  const rows = [
    ...edges.map((region, i) => [
      i === 0 ? 'Edges' : '',
      `http://${region.address}:${ports.http}  ${region.name}, only inside the lab`,
    ]),
    ...(edge ? [['DNS', `${edge.address}:${ports.dns}  ${domain}`]] : []),
    ['Users', hint(world, 'lab users')],
    ...(edge ? [['', hint(world, `${user} http://${edge.address}:${ports.http}/`)]] : []),
    ['Status', hint(world, 'status')],
    ['', hint(world, 'lab status')],
    ['Stop', hint(world, 'down')],
  ]
  const lines = table([{ head: '' }, { head: '' }], rows)
  return `${world.name} ${did}\n\n${lines.replace(/^/gm, '  ')}\n`
}

export const linkColumns: Column[] = [
  { head: 'FROM' },
  { head: 'TO' },
  { head: 'DELAY', align: 'right' },
  { head: 'JITTER', align: 'right' },
  { head: 'LOSS', align: 'right' },
  { head: 'RATE', align: 'right' },
  { head: 'ARRIVED', align: 'right' },
  { head: 'DROPPED', align: 'right' },
  { head: '' },
]

const none = '–'

/** Formats a lab's status. Pure. */
export function renderLab(status: LabStatus, paint: Paint): string {
  const networkStyle: Record<LabStatus['network'], Style> = {
    up: 'green',
    'no shaper': 'red',
    down: 'yellow',
  }
  const head = `${paint('bold', status.world)}  lab ${status.lab}  network ${paint(networkStyle[status.network], status.network)}  world ${status.health}${status.primary ? `, primary in ${status.primary}` : ''}`
  if (status.network !== 'up') {
    const why =
      status.network === 'down' ? 'The lab has no network' : 'The shaper is down, so no packet is forwarded'
    return `${head}\n\n${why}: run \`nearside lab up\` to restore it.\n`
  }
  const links = table(
    linkColumns,
    status.links.map((link) => linkRow(link, paint)),
    (text) => paint('dim', text),
  )
  const places = table(
    [{ head: 'PLACE' }, { head: 'NAMESPACE' }, { head: 'ADDRESSES' }],
    status.places.map(({ place, namespace, addresses }) => [place, namespace, addresses]),
    (text) => paint('dim', text),
  )
  return `${[head, links, places, ...notes(status, paint)].join('\n\n')}\n`
}

export function linkRow({ from, to, params, base, changed, stats }: ShownLink, paint: Paint): string[] {
  const dropped = stats ? stats.lost + stats.cut + stats.overflowed : 0
  const ms = (value: number) => `${value.toFixed(1)} ms`
  return [
    from,
    to,
    ms(params.delayMs),
    params.jitterMs === 0 ? none : `± ${ms(params.jitterMs)}`,
    params.lossShare === 0 ? none : shareText(params.lossShare),
    params.rateBitsPerSecond === 0 ? none : bitsText(params.rateBitsPerSecond),
    stats ? String(stats.packets) : '?',
    stats ? String(dropped) : '?',
    params.cut ? paint('red', 'cut') : changed ? paint('yellow', `changed, was ${ms(base.delayMs)}`) : '',
  ]
}

function notes({ cities, totals }: LabStatus, paint: Paint): string[] {
  const lines = [
    ...(cities > 0
      ? [
          `${cities === 1 ? 'One city' : `${cities} cities`} of simulated users ${cities === 1 ? 'has' : 'have'} links, too.`,
        ]
      : []),
    ...(totals && totals.missed > 0
      ? [
          paint(
            'yellow',
            `${totals.missed} packets were dropped because this machine was too slow. Do not trust measurements from that time.`,
          ),
        ]
      : []),
    ...(totals && totals.unknown > 0
      ? [`${totals.unknown} packets had a source or destination outside the lab.`]
      : []),
  ]
  return lines.length > 0 ? [lines.join('\n')] : []
}

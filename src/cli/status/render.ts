import { freshMs } from '../../failover/fresh.ts'
import { bytes, clock, duration, milliseconds, rate } from '../../lib/format.ts'
import { printable } from '../../lib/printable.ts'
import { isSilent } from '../../world/status/primary.ts'
import type { Edge, Health, Problem, RegionReport, WorldStatus } from '../../world/status/types.ts'
import { type Column, type Output, type Style, table, wrap } from '../output.ts'

/** Formats a status for a terminal. Pure: colours come from a parameter. */

type Paint = Output['paint']

const healthStyle: Record<Health, Style> = {
  healthy: 'green',
  degraded: 'yellow',
  down: 'red',
  unknown: 'yellow',
}

const durabilityWords: Record<WorldStatus['durability'], string> = {
  region: 'every acknowledged write is on disk in two regions',
  'at risk': 'acknowledged writes are in one region only',
  stopped: 'writes wait for a second region',
  local: 'asynchronous, as the topology requests',
  unknown: 'the primary does not report it',
}

type RenderOptions = {
  verbose?: boolean | undefined /** Of the terminal. */
  width?: number | undefined
}

export function renderStatus(
  status: WorldStatus,
  paint: Paint,
  { verbose, width }: RenderOptions = {},
): string {
  const stopped = status.problems[0]?.code === 'world_stopped'
  const stopping = status.problems[0]?.code === 'world_stopping'
  const old = !status.shared || status.shared.ageMs > freshMs
  const head = `${paint('bold', status.world)}  ${status.domain}  ${paint(healthStyle[status.health], status.health)}`
  if (stopped) return `${head}\n\n${problemLines(status.problems, paint, width)}\n`
  const blocks = [
    head,
    table(
      regionColumns,
      status.regions.map((region) => regionRow(region, status, paint, verbose === true)),
      (text) => paint('dim', text),
    ),
    [
      `Primary     ${primaryWords(status, paint)}`,
      `Durability  ${paint(status.durability === 'region' || status.durability === 'local' ? 'green' : 'yellow', status.durability)}: ${durabilityWords[status.durability]}`,
      ...(old && !stopping ? [paint('yellow', ageLine(status))] : []),
    ].join('\n'),
    ...(verbose
      ? [processTable(status, paint), etcdLine(status, paint), cacheLine(status), verdictLines(status)]
      : []),
    ...(status.problems.length > 0 ? [problemLines(status.problems, paint, width)] : []),
  ]
  return `${blocks.filter(Boolean).join('\n\n')}\n`
}

const regionColumns: Column[] = [
  { head: 'REGION' },
  { head: 'ROLE' },
  { head: 'HEALTH' },
  { head: 'EDGE' },
  { head: 'DATABASE' },
  { head: 'LAG' },
  { head: 'REQ/S', align: 'right' },
  { head: 'UP' },
]

const none = '–'

function regionRow(region: RegionReport, status: WorldStatus, paint: Paint, verbose: boolean): string[] {
  const unknown = paint('yellow', '?')
  const full = region.role === 'full'
  return [
    region.region,
    region.role,
    region.health ? healthCell(region.health, paint) : unknown,
    region.edge === undefined ? none : edgeCell(region.edge, paint),
    full ? databaseCell(region, status, paint) : none,
    full ? lagCell(region, status, verbose) : none,
    region.edge === undefined
      ? none
      : region.requestsPerSecond === undefined
        ? '?'
        : shortRate(region.requestsPerSecond),
    processCell(region, paint),
  ]
}

/** `12k` from ten thousand up. */
const shortRate = (perSecond: number) =>
  perSecond < 9999.5 ? rate(perSecond) : `${Math.round(perSecond / 1000)}k`

function healthCell(health: NonNullable<RegionReport['health']>, paint: Paint): string {
  const style: Record<typeof health, Style> = { healthy: 'green', unhealthy: 'yellow', unreachable: 'red' }
  return paint(style[health], health)
}

function edgeCell(edge: Edge, paint: Paint): string {
  if (edge === 'serving') return edge
  return paint(edge === 'unknown' ? 'yellow' : 'red', edge)
}

function databaseCell(region: RegionReport, status: WorldStatus, paint: Paint): string {
  const { database } = region
  if (isSilent(region)) return paint('yellow', 'unknown')
  if (!database || database.role === 'unknown') return paint('red', 'unreachable')
  if (database.role === 'primary') return paint('bold', 'primary')
  const standbys = status.regions.find((one) => one.region === status.primary)?.database?.standbys
  const standby = standbys?.find((one) => one.region === region.region)
  if (!standbys) return paint('yellow', 'unknown')
  if (!standby) return paint('yellow', 'not streaming')
  return standby.synchronous ? 'sync' : 'streaming'
}

/** Shows bytes with --verbose or if no time is known: the table must fit 80 columns. */
function lagCell({ lag, region }: RegionReport, { primary }: WorldStatus, verbose: boolean): string {
  if (region === primary) return none
  const { lagMs, lagBytes } = lag ?? {}
  const time = lagMs === undefined ? [] : [lagTime(lagMs)]
  const size = lagBytes === undefined || (lagMs !== undefined && !verbose) ? [] : [bytes(lagBytes)]
  return [...time, ...size].join(', ') || '?'
}

/** One unit, to keep the column narrow. */
function lagTime(ms: number): string {
  if (ms < 1000) return milliseconds(ms)
  return ms < 999_500 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}

function processCell({ processes }: RegionReport, paint: Paint): string {
  const ready = processes.filter((one) => one.state === 'ready' || one.state === 'running').length
  const text = `${ready}/${processes.length}`
  return ready < processes.length || processes.length === 0 ? paint('yellow', text) : text
}

function primaryWords({ primary, primaryKnown, regions }: WorldStatus, paint: Paint): string {
  if (primary === undefined)
    return primaryKnown.state === 'unknown' ? paint('yellow', 'unknown') : paint('red', 'none')
  const holder = regions.find((one) => one.region === primary)
  const database = holder?.database
  if (holder && isSilent(holder)) return `${primary}, ${paint('yellow', 'did not answer in time')}`
  if (!database || database.role === 'unknown') return `${primary}, ${paint('red', 'does not answer')}`
  return database.timeline === undefined ? primary : `${primary}, timeline ${database.timeline}`
}

function ageLine({ shared, at, regions }: WorldStatus): string {
  if (!shared && regions.some((region) => region.agentState === 'answers'))
    return 'Health, lag and verdicts are unknown: no agent can read etcd.'
  if (!shared) return 'No agent answers: this status comes from the engines and process records.'
  return `Health, lag and verdicts are ${duration(shared.ageMs / 1000)} old (from ${clock(at - shared.ageMs, at)}).`
}

function processTable({ regions }: WorldStatus, paint: Paint): string {
  const columns: Column[] = [
    { head: 'REGION' },
    { head: 'PROCESS' },
    { head: 'STATE' },
    { head: 'PID', align: 'right' },
    { head: 'UPTIME', align: 'right' },
    { head: 'RESTARTS', align: 'right' },
    { head: '' },
  ]
  const rows = regions.flatMap((region) => [
    region.agent
      ? [
          region.region,
          'agent',
          'ready',
          String(region.agent.pid),
          duration(region.agent.uptimeSeconds),
          '',
          '',
        ]
      : [region.region, 'agent', paint('red', region.agentState), '', '', '', ''],
    ...region.processes.map((one) => [
      region.region,
      one.name,
      one.state === 'ready' || one.state === 'running' ? one.state : paint('yellow', one.state),
      one.pid === undefined ? '' : String(one.pid),
      one.uptimeSeconds === undefined ? '' : duration(one.uptimeSeconds),
      one.restarts === undefined ? '?' : one.restarts === 0 ? '0' : paint('yellow', String(one.restarts)),
      printable(one.why ?? ''),
    ]),
  ])
  return table(columns, rows, (text) => paint('dim', text))
}

function etcdLine({ regions }: WorldStatus, paint: Paint): string {
  const members = regions.flatMap(({ region, etcd }) =>
    etcd?.dbBytes === undefined
      ? []
      : [
          `${region} ${bytes(etcd.dbBytes)}${etcd.alarms!.map((alarm) => ` ${paint('red', alarm)}`).join('')}`,
        ],
  )
  const quota = regions.find(({ etcd }) => etcd?.quotaBytes !== undefined)?.etcd?.quotaBytes
  return quota === undefined ? '' : `etcd        ${members.join(', ')}; quota ${bytes(quota)}`
}

function cacheLine({ regions }: WorldStatus): string {
  const caches = regions.flatMap(({ region, cache }) => {
    if (cache?.kind !== 'measured') return []
    const { hits, misses } = cache.lastMinute
    const share = hits + misses === 0 ? '' : `, ${Math.round((100 * hits) / (hits + misses))} % hits`
    return [`${region} ${bytes(cache.usedBytes)} of ${bytes(cache.limitBytes)}${share}`]
  })
  return caches.length === 0 ? '' : `CDN cache   ${caches.join('; ')}`
}

function verdictLines({ verdicts }: WorldStatus): string {
  if (verdicts.length === 0) return ''
  const rows = verdicts.map((one) => [
    one.region,
    one.state,
    one.by.length === 0 ? '' : `by ${one.by.join(', ')}`,
    `${one.by.length} of ${one.needed} needed`,
  ])
  return table([{ head: 'VERDICT ON' }, { head: '' }, { head: '' }, { head: '' }], rows)
}

function problemLines(problems: readonly Problem[], paint: Paint, width: number | undefined): string {
  return problems
    .map(({ message, remedy }) => {
      const line = wrap(`${paint('yellow', '!')} ${printable(message)}`, width, '  ')
      return remedy ? `${line}\n    ${paint('cyan', printable(remedy))}` : line
    })
    .join('\n')
}

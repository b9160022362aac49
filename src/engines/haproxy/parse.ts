/** Parsers for HAProxy's runtime API. Unknown or missing fields become undefined, never NaN. */

export type StatRow = {
  proxy: string
  kind: 'frontend' | 'backend' | 'server'
  /** The server's name; for a frontend or backend, that of the proxy. */
  name: string
  /** `UP`, `DOWN`, `UP 1/2` (about to go down), `MAINT`, `DRAIN`, `no check`, `OPEN`, … */
  status: string
  up: boolean
  /** Requests in the queue for a server. */
  queued: number
  /** Current connections or streams. */
  current: number
  /** Of a frontend: the most that it takes at a time. */
  limit: number | undefined
  /** Connections or streams since this worker started. */
  total: number
  /** HTTP requests (frontends and backends), including those that HAProxy answered itself. */
  requests: number | undefined
  requestRate: number | undefined
  /** By the first digit of the status. */
  responses: Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'other', number | undefined>
  bytesIn: number
  bytesOut: number
  /** New connections to servers. */
  connects: number | undefined
  /** Requests that reused a connection. */
  reuses: number | undefined
  connectionErrors: number | undefined
  retries: number | undefined
  redispatches: number | undefined
  check: { status: string; code: number | undefined; durationMs: number | undefined } | undefined
  /** Time since the last change between up and down. */
  sinceSeconds: number | undefined
}

/** Parses `show stat`: CSV with the field names in the first line. Throws on anything else. */
export function parseStats(text: string): StatRow[] {
  const [heading = '', ...lines] = text.trimEnd().split('\n')
  if (!heading.startsWith('# '))
    throw new TypeError(`expected the output of "show stat", got ${heading.slice(0, 80)}`)
  const names = heading.slice(2).split(',')
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const cells = splitCsv(line)
      return rowOf((name) => cells[names.indexOf(name)] ?? '')
    })
}

function rowOf(cell: (name: string) => string): StatRow {
  const number = (name: string) => numberOf(cell(name))
  const kind = cell('type') === '0' ? 'frontend' : cell('type') === '1' ? 'backend' : 'server'
  const status = cell('status')
  return {
    proxy: cell('pxname'),
    kind,
    name: kind === 'server' ? cell('svname') : cell('pxname'),
    status,
    up: /^(UP|OPEN|no check)/.test(status),
    queued: number('qcur') ?? 0,
    current: number('scur') ?? 0,
    limit: number('slim'),
    total: number('stot') ?? 0,
    requests: number('req_tot'),
    requestRate: number('req_rate'),
    responses: {
      '1xx': number('hrsp_1xx'),
      '2xx': number('hrsp_2xx'),
      '3xx': number('hrsp_3xx'),
      '4xx': number('hrsp_4xx'),
      '5xx': number('hrsp_5xx'),
      other: number('hrsp_other'),
    },
    bytesIn: number('bin') ?? 0,
    bytesOut: number('bout') ?? 0,
    connects: number('connect'),
    reuses: number('reuse'),
    connectionErrors: number('econ'),
    retries: number('wretr'),
    redispatches: number('wredis'),
    check:
      cell('check_status') === ''
        ? undefined
        : {
            status: cell('check_status'),
            code: number('check_code'),
            durationMs: number('check_duration'),
          },
    sinceSeconds: number('lastchg'),
  }
}

/** Fields with a comma or a quote are quoted, with quotes doubled. */
function splitCsv(line: string): string[] {
  const cells: string[] = []
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    cells.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'))
  return cells
}

function numberOf(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) : undefined
}

/** Parses `show info` for the worker's process id. */
export function parseWorkerPid(text: string): number {
  const pid = numberOf(/^Pid: (.*)$/m.exec(text)?.[1] ?? '')
  if (pid === undefined) throw new TypeError(`expected the output of "show info", got ${text.slice(0, 80)}`)
  return pid
}

/** Parses the master's `show proc`: process ids of workers that a reload has replaced and that still have streams. */
export function parseOldWorkers(text: string): number[] {
  const [, old = ''] = /^# old workers\n((?:\d.*\n)*)/m.exec(text) ?? []
  return old
    .split('\n')
    .flatMap((line) => /^\d+/.exec(line) ?? [])
    .map(Number)
}

/** Parses `show sess`: streams with their backend and server. */
export function parseSessions(text: string): { id: string; backend: string; server: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, id, backend, server] = /^(0x[0-9a-f]+): .* be=(\S+) srv=(\S+) /.exec(line) ?? []
    return id && backend && server ? [{ id, backend, server }] : []
  })
}

/** Parses `show table`: keys with their stored data. */
export function parseTable(text: string): { key: string; data: Record<string, number> }[] {
  return text.split('\n').flatMap((line) => {
    // Spaces and backslashes in a key are escaped.
    const [, key, rest] = /^0x[0-9a-f]+: key=((?:[^\s\\]|\\.)*) (.*)$/.exec(line) ?? []
    if (key === undefined || rest === undefined) return []
    const data = [...rest.matchAll(/([a-z0-9_]+)(?:\(\d+\))?=(-?\d+)/g)].map(([, name, value]) => [
      name!,
      Number(value),
    ])
    return [{ key: key.replaceAll(/\\(.)/g, '$1'), data: Object.fromEntries(data) }]
  })
}

/** What HAProxy says of itself on its runtime API, typed. Unknown or missing fields become undefined, never NaN. */

export type StatRow = {
  proxy: string
  kind: 'frontend' | 'backend' | 'server'
  /** The server's name; of a frontend or backend the proxy's own. */
  name: string
  /** `UP`, `DOWN`, `UP 1/2` (about to go down), `MAINT`, `DRAIN`, `no check`, `OPEN`, … */
  status: string
  up: boolean
  /** In a queue for a server. */
  queued: number
  /** Connections or streams now, and since the start of this worker. */
  current: number
  total: number
  /** HTTP requests (frontends and backends); what HAProxy answered itself is in it. */
  requests: number | undefined
  requestRate: number | undefined
  /** By first digit of the status. */
  responses: Record<'1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'other', number | undefined>
  bytesIn: number
  bytesOut: number
  /** Connections made to servers, and requests that went over one that was there. */
  connects: number | undefined
  reuses: number | undefined
  connectionErrors: number | undefined
  retries: number | undefined
  redispatches: number | undefined
  check: { status: string; code: number | undefined; durationMs: number | undefined } | undefined
  /** Since the last change between up and down. */
  sinceSeconds: number | undefined
}

/** `show stat`: CSV with its field names in the first line. Throws on anything else. */
export function parseStats(text: string): StatRow[] {
  const [heading = '', ...lines] = text.trimEnd().split('\n')
  if (!heading.startsWith('# ')) throw new TypeError(`not an answer to "show stat": ${heading.slice(0, 80)}`)
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

/** Fields with a comma or a quote are quoted, quotes in them doubled. */
function splitCsv(line: string): string[] {
  const cells: string[] = []
  for (const [, quoted, plain] of line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g))
    cells.push(quoted === undefined ? (plain ?? '') : quoted.replaceAll('""', '"'))
  return cells
}

function numberOf(text: string): number | undefined {
  return /^-?\d+$/.test(text) ? Number(text) : undefined
}

/** `show info`: lines of `name: value`. */
export function parseWorkerPid(text: string): number {
  const pid = numberOf(/^Pid: (.*)$/m.exec(text)?.[1] ?? '')
  if (pid === undefined) throw new TypeError(`not an answer to "show info": ${text.slice(0, 80)}`)
  return pid
}

/** `show proc` of the master: process ids of workers that a reload has replaced and that still carry something. */
export function parseOldWorkers(text: string): number[] {
  const [, old = ''] = /^# old workers\n((?:\d.*\n)*)/m.exec(text) ?? []
  return old
    .split('\n')
    .flatMap((line) => /^\d+/.exec(line) ?? [])
    .map(Number)
}

/** `show sess`: streams with the backend and the server that they have been given to. */
export function parseSessions(text: string): { id: string; backend: string; server: string }[] {
  return text.split('\n').flatMap((line) => {
    const [, id, backend, server] = /^(0x[0-9a-f]+): .* be=(\S+) srv=(\S+) /.exec(line) ?? []
    return id && backend && server ? [{ id, backend, server }] : []
  })
}

/** `show table`: keys with the data that the table keeps of each. */
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

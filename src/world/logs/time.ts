/**
 * The timestamp in a log line. Knows the formats of agents, etcd, Patroni, PostgreSQL, Knot and Redis, and assumes UTC
 * without a zone, since engines run in UTC. Undefined for a line without a timestamp.
 */
export function timeOf(line: string): number | undefined {
  const head = line.slice(0, 200)
  const json = /"(?:time|ts|timestamp)":\s*"?([0-9T:.+Z-]+)/.exec(head.startsWith('{') ? head : '')?.[1]
  if (json !== undefined) return json.includes('T') ? parsed(json) : undefined
  const iso = /^\[?(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{1,6}))?\s?(Z|UTC|[+-]\d\d:?\d\d)?/.exec(
    head,
  )
  if (iso) return parsed(`${iso[1]}T${iso[2]}.${(iso[3] ?? '0').padEnd(3, '0')}${zone(iso[4])}`)
  const redis = /^\d+:[A-Z] (\d{1,2}) (\w{3}) (\d{4}) (\d\d:\d\d:\d\d\.\d{3}) /.exec(head)
  if (redis) return parsed(`${redis[1]} ${redis[2]} ${redis[3]} ${redis[4]} UTC`)
  return undefined
}

const zone = (text: string | undefined) =>
  text === undefined || text === 'Z' || text === 'UTC' ? 'Z' : text.replace(/^(...)(\d\d)$/, '$1:$2')

function parsed(text: string): number | undefined {
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : at
}

export type Timed = { at: number; line: string }

/**
 * Gives every line of a file a time. A line without one (a stack trace) takes that of the line before it; at the
 * beginning of a file, that of the first line with one. If no line has one, all take `fallback`, the age of the file.
 */
export function timed(lines: readonly string[], fallback: number): Timed[] {
  const times = lines.map(timeOf)
  let at = times.find((time) => time !== undefined) ?? fallback
  return lines.map((line, i) => {
    at = times[i] ?? at
    return { at, line }
  })
}

/** Merges files by time. Lines of one file keep their order, whatever their timestamps. */
export function mergeByTime<T extends Timed>(files: readonly (readonly T[])[]): T[] {
  const next = files.map(() => 0)
  const out: T[] = []
  for (;;) {
    let first = -1
    for (let i = 0; i < files.length; i += 1) {
      const line = files[i]![next[i]!]
      if (line && (first === -1 || line.at < files[first]![next[first]!]!.at)) first = i
    }
    if (first === -1) return out
    out.push(files[first]![next[first]!]!)
    next[first]! += 1
  }
}

export type KnotStats = {
  /** Questions since the server started. */
  queries: number
  /** Replies by their code: NOERROR, NXDOMAIN, REFUSED, … */
  replies: Record<string, number>
  /** Replies cut short because one address asked too often. */
  limited: number
}

/** What `knotc stats` prints: a counter a line, those that are 0 left out. */
export function parseStats(output: string): KnotStats {
  const stats: KnotStats = { queries: 0, replies: {}, limited: 0 }
  for (const line of output.split('\n')) {
    const [, module, counter, item, value] = /^([\w-]+)\.([\w-]+)(?:\[([^\]]*)\])? = (\d+)$/.exec(line) ?? []
    if (module === 'mod-stats' && counter === 'server-operation' && item === 'query')
      stats.queries = Number(value)
    if (module === 'mod-stats' && counter === 'response-code' && item) stats.replies[item] = Number(value)
    if (module === 'mod-rrl' && counter === 'slipped') stats.limited = Number(value)
  }
  return stats
}

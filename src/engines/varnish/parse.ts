/** What Varnish has counted since it started. */
export type VarnishCounters = {
  uptimeSeconds: number
  requests: number
  hits: number
  /** Of the hits: expired, used while a new one was fetched or because none could be had. */
  staleHits: number
  misses: number
  /** Asked about, but not to be kept. */
  passes: number
  fetchErrors: number
  objects: number
  bytesUsed: number
  bytesFree: number
  /** Objects that had to go because there was no more room. */
  evicted: number
}

/** `varnishstat -j`. Throws on anything else; a counter that is missing is 0. */
export function parseCounters(text: string): VarnishCounters {
  const { counters } = JSON.parse(text) as { counters?: Record<string, { value?: unknown }> }
  if (typeof counters !== 'object' || counters === null) throw new TypeError('not an answer of varnishstat')
  const value = (name: string) => {
    const found = counters[name]?.value
    return typeof found === 'number' ? found : 0
  }
  return {
    uptimeSeconds: value('MAIN.uptime'),
    requests: value('MAIN.client_req'),
    hits: value('MAIN.cache_hit'),
    staleHits: value('MAIN.cache_hit_grace'),
    misses: value('MAIN.cache_miss') + value('MAIN.cache_hitmiss'),
    passes: value('MAIN.s_pass'),
    fetchErrors: value('MAIN.fetch_failed'),
    objects: value('MAIN.n_object'),
    bytesUsed: value('SMA.s0.g_bytes'),
    bytesFree: value('SMA.s0.g_space'),
    evicted: value('MAIN.n_lru_nuked'),
  }
}

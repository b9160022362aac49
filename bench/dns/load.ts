import type { Server } from '../../src/engines/knot/ask.ts'
import { type Peer, runPeer } from '../peers.ts'

export type LoadOptions = {
  root: string
  /** Contains the query file; dnsperf sees nothing else. */
  folder: string
  cores: readonly number[]
  queries: string
  server: Server
  /** Queries per second; undefined for as many as possible. */
  perSecond?: number
  seconds: number
}

export type LoadResult = {
  sent: number
  /** Not answered within a second, after which a resolver retries. */
  lost: number
  perSecond: number
  slowestMs: number
}

const timeoutSeconds = 1

export function startLoad(options: LoadOptions): Promise<Peer> {
  const { root, folder, cores, queries, server, perSecond, seconds } = options
  const words = [
    ...['dnsperf', '-f', 'inet', '-s', server.address, '-p', server.port, '-d', queries, '-B'],
    ...['-c', 16, '-T', cores.length, '-l', seconds, '-t', timeoutSeconds],
    // Enough in flight to keep a server busy, but no more than its socket buffer holds.
    ...(perSecond === undefined ? ['-q', 100] : ['-q', 10_000, '-Q', perSecond]),
  ]
  return runPeer(root, folder, cores, words.map(String))
}

export async function resultOf(dnsperf: Peer): Promise<LoadResult> {
  const status = await dnsperf.ended
  if (status !== 0) throw new Error(`dnsperf: exit ${status}\n${dnsperf.output()}`)
  return parseDnsperf(dnsperf.output())
}

/** Parses the output of dnsperf. Any answer but NOERROR is an error. Pure. */
export function parseDnsperf(text: string): LoadResult {
  const number = (pattern: RegExp) => {
    const found = pattern.exec(text)?.[1]
    if (found === undefined) throw new Error(`unexpected output of dnsperf:\n${text}`)
    return Number(found)
  }
  const codes = /^\s*Response codes:\s*(.*)$/m.exec(text)?.[1] ?? ''
  if (!/^NOERROR \d+ \(100\.00%\)$/.test(codes.trim())) throw new Error(`some queries failed:\n${text}`)
  return {
    sent: number(/^\s*Queries sent:\s*(\d+)/m),
    lost: number(/^\s*Queries lost:\s*(\d+)/m),
    perSecond: number(/^\s*Queries per second:\s*([\d.]+)/m),
    slowestMs: number(/^\s*Average Latency \(s\):.*max ([\d.]+)\)/m) * 1000,
  }
}

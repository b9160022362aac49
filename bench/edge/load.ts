import { runPeer } from '../peers.ts'

export type LoadResult = { requests: number; perSecond: number; p99Ms: number }

export type LoadOptions = {
  root: string
  folder: string
  cores: readonly number[]
  url: string
  connections: number
  seconds: number
}

/** As many requests as possible over keep-alive connections. Any answer but 2xx or 3xx is a failure. */
export async function load({
  root,
  folder,
  cores,
  url,
  connections,
  seconds,
}: LoadOptions): Promise<LoadResult> {
  const words = [
    'wrk',
    '-t',
    cores.length,
    '-c',
    connections,
    '-d',
    `${seconds}s`,
    '--latency',
    '--timeout',
    '10s',
    url,
  ]
  const wrk = await runPeer(root, folder, cores, words.map(String))
  const timer = setTimeout(() => void wrk.stop(), (seconds + 15) * 1000)
  const status = await wrk.ended
  clearTimeout(timer)
  const text = wrk.output()
  if (status !== 0) throw new Error(`wrk ${url}: exit ${status}\n${text}`)
  return parseWrk(text)
}

const milliseconds: Record<string, number> = { us: 0.001, ms: 1, s: 1000 }

/** Parses the output of wrk. Pure. */
export function parseWrk(text: string): LoadResult {
  if (/Non-2xx or 3xx responses|Socket errors/.test(text)) throw new Error(`requests failed:\n${text}`)
  const requests = /^\s*(\d+) requests in /m.exec(text)?.[1]
  const perSecond = /^Requests\/sec:\s*([\d.]+)/m.exec(text)?.[1]
  const [, p99, unit] = /^\s*99%\s+([\d.]+)(us|ms|s)/m.exec(text) ?? []
  if (!requests || !perSecond || !p99) throw new Error(`unexpected output of wrk:\n${text}`)
  return {
    requests: Number(requests),
    perSecond: Number(perSecond),
    p99Ms: Number(p99) * milliseconds[unit!]!,
  }
}

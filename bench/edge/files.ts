import { Agent, request } from 'node:http'

/** The outcome of one request for a file. `whole`: status 200 and as many bytes as the content-length says. */
export type Fetched = { whole: boolean; bytes: number; hit: boolean; milliseconds: number }

const hit = /HIT|; hit/

/** Never rejects: whatever goes wrong is a response that is not whole. */
export function fetchFile(agent: Agent, base: string, path: string): Promise<Fetched> {
  const startMs = performance.now()
  return new Promise((resolve) => {
    let [bytes, length, status, isHit] = [0, Number.NaN, 0, false]
    const end = (complete: boolean) =>
      resolve({
        whole: complete && status === 200 && bytes === length,
        bytes,
        hit: isHit,
        milliseconds: performance.now() - startMs,
      })
    const sent = request(base + path, { agent, timeout: 60_000 }, (response) => {
      status = response.statusCode ?? 0
      length = Number(response.headers['content-length'])
      isHit = hit.test(String(response.headers['cache-status']))
      response.on('data', (part: Buffer) => {
        bytes += part.length
      })
      response.on('error', () => end(false))
      response.on('end', () => end(response.complete))
    })
    sent.on('timeout', () => sent.destroy())
    sent.on('error', () => end(false))
    sent.end()
  })
}

export const keptConnections = (maxSockets: number) => new Agent({ keepAlive: true, maxSockets })

/** Fetches all, over so many connections. */
export async function fetchAll(
  base: string,
  paths: readonly string[],
  connections: number,
): Promise<{ fetched: Fetched[]; seconds: number }> {
  const agent = keptConnections(connections)
  const fetched: Fetched[] = []
  const startMs = performance.now()
  let next = 0
  const client = async () => {
    while (next < paths.length) fetched.push(await fetchFile(agent, base, paths[next++]!))
  }
  await Promise.all(Array.from({ length: connections }, client))
  agent.destroy()
  return { fetched, seconds: (performance.now() - startMs) / 1000 }
}

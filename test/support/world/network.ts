import { createServer, type Server } from 'node:net'

/**
 * A separate loopback network for a world, 127.<100-250>.0.0/16. A listening socket on an unused address reserves it,
 * so that no two test processes choose the same one. It is released when this process ends.
 */
export async function takeNetwork(): Promise<{ base: string; giveBack: () => void }> {
  const first = 100 + Math.floor(Math.random() * 151)
  for (let tried = 0; tried < 151; tried += 1) {
    const base = `127.${100 + ((first - 100 + tried) % 151)}`
    const lock = await listen(`${base}.254.254`, 7400)
    if (!lock) continue
    if (await isFree(base)) return { base, giveBack: () => lock.close() }
    lock.close()
  }
  throw new Error('no free network between 127.100 and 127.250: check for leftover worlds')
}

/** A leftover world is detected by the ports of its first regions. */
async function isFree(base: string): Promise<boolean> {
  for (const region of [1, 2, 3])
    for (const port of [2379, 5432, 6379, 7400, 8080]) {
      const server = await listen(`${base}.${region}.1`, port)
      if (!server) return false
      await new Promise((resolve) => server.close(resolve))
    }
  return true
}

function listen(host: string, port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen(port, host, () => resolve(server.unref()))
  })
}

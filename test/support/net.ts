import { createServer, type Server } from 'node:net'

/** A `network.base` in 127.100-250 on which nothing listens yet at the given port of the first region. */
export async function freeNetwork(port = 8080): Promise<string> {
  for (let tries = 0; tries < 50; tries++) {
    const base = `127.${100 + Math.floor(Math.random() * 150)}`
    if (await canListen(`${base}.1.1`, port)) return base
  }
  throw new Error(`port ${port} is taken in every network that was tried`)
}

async function canListen(host: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    await listening(server, host, port)
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}

/** Rejects when the address is taken. */
export function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

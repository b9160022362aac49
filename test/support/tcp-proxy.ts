import { connect, createServer, type Socket } from 'node:net'
import { freeEndpoint } from './sandboxed.ts'

/** Proxies a server like a write endpoint, and can fail like a network. */
export type TcpProxy = {
  host: string
  port: number
  /** Number of connections accepted so far. */
  taken(): number
  /** Sets the target of new connections; `undefined` refuses them. Closes connections to other targets. */
  lead(to: Endpoint | undefined): void
  /** Delivers the next message that contains `text` to the server, but closes the connection before the answer. */
  loseAnswerTo(text: string): void
  /** Closes every currently open connection on its next use, and not before. */
  cutWhenUsed(): void
  stop(): Promise<void>
}

type Endpoint = { host: string; port: number }

export async function startTcpProxy(target: Endpoint): Promise<TcpProxy> {
  let leadsTo: Endpoint | undefined = target
  let losing: string | undefined
  let taken = 0
  const open = new Set<Socket>()
  let doomed = new WeakSet<Socket>()
  const cutAll = () => {
    for (const socket of open) socket.destroy()
  }

  const server = createServer((client) => {
    taken += 1
    if (!leadsTo) return client.destroy()
    const upstream = connect(leadsTo)
    let isLost = false
    client.on('data', (chunk) => {
      if (doomed.has(client)) return client.destroy()
      if (losing !== undefined && chunk.includes(losing)) {
        losing = undefined
        isLost = true
      }
      upstream.write(chunk)
    })
    upstream.on('data', (chunk) => (isLost ? client.destroy() : client.write(chunk)))
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
  })

  const { host, port } = await freeEndpoint()
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  return {
    host,
    port,
    taken: () => taken,
    lead(to) {
      leadsTo = to
      cutAll()
    },
    loseAnswerTo(text) {
      losing = text
    },
    cutWhenUsed() {
      doomed = new WeakSet(open)
    },
    async stop() {
      cutAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

import type { Server } from 'node:net'
import { takeNetwork } from './world/network.ts'

/** A `network.base` that no other test uses while this process runs. */
export const freeNetwork = async () => (await takeNetwork()).base

/** Rejects if the address is in use. */
export function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

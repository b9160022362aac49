import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { decodeReply, encodeQuestion, type Question, type Reply } from './message.ts'

export type Server = { address: string; port: number }

/**
 * Sends one query to one server over UDP; resolves to undefined without an answer within `timeoutMs`. It resends every
 * `resendMs`, so a lost packet does not look like an unreachable server. `from` sets the source address; the call
 * rejects when it cannot be bound.
 */
export function ask(
  server: Server,
  question: Question,
  { timeoutMs = 1000, resendMs = 200, from }: { timeoutMs?: number; resendMs?: number; from?: string } = {},
): Promise<Reply | undefined> {
  return new Promise((resolve, reject) => {
    const id = randomInt(0x10000)
    const query = encodeQuestion(id, question)
    const socket = createSocket('udp4')
    const finish = (reply: Reply | undefined) => {
      clearTimeout(deadline)
      clearInterval(again)
      socket.removeAllListeners()
      socket.on('error', () => {})
      socket.close()
      resolve(reply)
    }
    // Errors such as a refused port are not final: the server may be starting.
    const send = () => socket.send(query, server.port, server.address, () => {})
    const deadline = setTimeout(finish, timeoutMs, undefined)
    const again = setInterval(send, resendMs)
    socket.on('error', () => {})
    socket.on('message', (message, sender) => {
      if (sender.address !== server.address || sender.port !== server.port) return
      const reply = decodeOrNothing(message)
      if (reply?.id === id) finish(reply)
    })
    if (from === undefined) return send()
    const unbound = (error: Error) => {
      reject(error)
      finish(undefined)
    }
    socket.once('error', unbound)
    socket.bind({ address: from }, () => {
      socket.off('error', unbound)
      send()
    })
  })
}

function decodeOrNothing(message: Uint8Array): Reply | undefined {
  try {
    return decodeReply(message)
  } catch {
    return undefined
  }
}

import { createSocket } from 'node:dgram'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { encodeQuestion } from '../../../src/engines/knot/message.ts'
import { knotTopology, startKnot } from '../../support/knot.ts'
import { until } from '../../support/sandboxed.ts'

/** From many ports, as resolvers ask: the kernel spreads them over the workers' queues by port. */
const ports = 128
const questionsEach = 4

test('a Knot that is not scheduled for a moment answers all queries that arrived meanwhile', async () => {
  const knot = await startKnot(await knotTopology())
  const sockets = Array.from({ length: ports }, () => createSocket('udp4'))
  try {
    let answers = 0
    for (const socket of sockets) socket.on('message', () => (answers += 1))
    process.kill(knot.pid()!, 'SIGSTOP')
    try {
      const message = encodeQuestion(1, { name: knot.topology.domain, type: 'A' })
      await Promise.all(
        sockets.flatMap((socket) => {
          const send = promisify<Uint8Array, number, string>(socket.send.bind(socket))
          return Array.from({ length: questionsEach }, () =>
            send(message, knot.topology.ports.dns, knot.region.address),
          )
        }),
      )
    } finally {
      process.kill(knot.pid()!, 'SIGCONT')
    }
    await until('an answer to each query', () => answers === ports * questionsEach)
  } finally {
    for (const socket of sockets) socket.close()
    await knot.stop()
  }
})

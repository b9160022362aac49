import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { passes } from '../../../src/agent/supervision/check.ts'
import type { Check } from '../../../src/plan.ts'
import { freeEndpoint } from '../../support/sandboxed.ts'

const noExec = () => Promise.reject(new Error('not asked for'))
const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

/** What becomes of a check of a server that treats every connection like this. */
async function check(
  serve: (socket: Socket) => void,
  changes: Partial<Extract<Check, { kind: 'tcp' }>> = {},
) {
  const { host, port } = await freeEndpoint()
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  servers.push(server.unref())
  return passes({ kind: 'tcp', port, ...changes }, host, 300, noExec)
}

const ping = { say: 'PING\r\n', hear: ['+PONG', '-NOAUTH'] }

describe('a port that is asked something', () => {
  test('passes with one of the answers, in however many pieces', async () => {
    assert.equal(await check((socket) => socket.write('+PONG\r\n'), ping), true)
    const inPieces = (socket: Socket) => {
      socket.setNoDelay(true).write('-NO')
      setTimeout(() => socket.write('AUTH Authentication required.\r\n'), 30)
    }
    assert.equal(await check(inPieces, ping), true)
  })

  test('does not pass with another answer, a closed connection, or silence, which the kernel alone can give', async () => {
    assert.equal(await check((socket) => socket.write('-LOADING\r\n'), ping), false)
    assert.equal(await check((socket) => socket.end(), ping), false)
    assert.equal(await check(() => undefined, ping), false)
    // The time is one for the whole question: a byte now and then does not stretch it.
    const slowly = (socket: Socket) => {
      const timer = setInterval(() => socket.write('+'), 50)
      socket.on('close', () => clearInterval(timer))
    }
    assert.equal(await check(slowly, { say: 'x', hear: ['+'.repeat(1000)] }), false)
  })

  test('without a question a connection is enough', async () => {
    assert.equal(await check(() => undefined), true)
  })
})

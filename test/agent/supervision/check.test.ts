import assert from 'node:assert/strict'
import { createServer, type Server, type Socket } from 'node:net'
import { after, describe, test } from 'node:test'
import { runCheck } from '../../../src/agent/supervision/check.ts'
import type { Check } from '../../../src/plan.ts'
import { freeEndpoint } from '../../support/sandboxed.ts'

const noExec = () => Promise.reject(new Error('not asked for'))
const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

/** Result of a check of a server that handles every connection like this. */
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
  return (await runCheck({ kind: 'tcp', port, ...changes }, host, 300, noExec)).passed
}

const ping = { send: 'PING\r\n', expect: ['+PONG', '-NOAUTH'] }

describe('a TCP check', () => {
  test('passes with one of the expected answers, even if it arrives in parts', async () => {
    assert.equal(await check((socket) => socket.write('+PONG\r\n'), ping), true)
    const inPieces = (socket: Socket) => {
      socket.setNoDelay(true).write('-NO')
      setTimeout(() => socket.write('AUTH Authentication required.\r\n'), 30)
    }
    assert.equal(await check(inPieces, ping), true)
  })

  test('fails with another answer, a closed connection, or no answer after the kernel has accepted the connection', async () => {
    assert.equal(await check((socket) => socket.write('-LOADING\r\n'), ping), false)
    assert.equal(await check((socket) => socket.end(), ping), false)
    assert.equal(await check(() => undefined, ping), false)
    // The timeout covers the whole check: single bytes now and then do not extend it.
    const slowly = (socket: Socket) => {
      const timer = setInterval(() => socket.write('+'), 50)
      socket.on('close', () => clearInterval(timer))
    }
    assert.equal(await check(slowly, { send: 'x', expect: ['+'.repeat(1000)] }), false)
  })

  test('with nothing to send passes with a connection', async () => {
    assert.equal(await check(() => undefined), true)
  })
})

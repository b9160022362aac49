import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { holdersOf, listeners, parseListeners } from '../../src/lib/listeners.ts'

const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'

test('lists listening sockets with address, port, owner and inode, and no connected ones', () => {
  const text = `${head}
   1: 01014D7F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 ffff 100 0 0 10 0
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4712 1 ffff 100 0 0 10 0
   3: 0100007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4713 1 ffff 100 0 0 10 0
`
  assert.deepEqual(parseListeners(text, 'tcp'), [
    { protocol: 'tcp', address: '127.77.1.1', port: 8080, uid: 1000, inode: '4711' },
    { protocol: 'tcp', address: '0.0.0.0', port: 22, uid: 0, inode: '4712' },
  ])
})

test('reads IPv6 addresses: wildcard, IPv4-mapped and others', () => {
  const line = (address: string) =>
    `   0: ${address}:0050 ${'0'.repeat(32)}:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 f 100 0 0 10 0`
  const addresses = ['0'.repeat(32), '0000000000000000FFFF00000101077F', `${'0'.repeat(24)}01000000`]
  const found = parseListeners([head, ...addresses.map(line)].join('\n'), 'tcp')
  assert.deepEqual(
    found.map((one) => one.address),
    ['::', '127.7.1.1', '0:0:0:0:0:0:0:1'],
  )
})

test('finds a listening socket and the process that holds it', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  const socket = createSocket('udp4')
  await new Promise((resolve) => server.once('listening', resolve))
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  try {
    const { port } = server.address() as { port: number }
    const all = listeners()
    const tcp = all.find((one) => one.protocol === 'tcp' && one.port === port)!
    const udp = all.find((one) => one.protocol === 'udp' && one.port === socket.address().port)!
    const holders = holdersOf(new Set([tcp.inode, udp.inode]))
    assert.deepEqual([holders.get(tcp.inode), holders.get(udp.inode)], [process.pid, process.pid])
    assert.equal(holdersOf(new Set(['1'])).size, 0)
  } finally {
    server.close()
    socket.close()
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lackOf, type Machine } from '../../../src/lab/network/abilities.ts'

const able: Machine = {
  platform: 'linux',
  uid: 0,
  status: 'Name:\tnode\nCapEff:\t000001fffeffffff\n',
  namespace: async () => '',
  tun: () => '',
}
const lacking = (part: Partial<Machine>) => lackOf({ ...able, ...part })

test('a machine that meets all requirements lacks nothing', async () => {
  assert.equal(await lackOf(able), undefined)
})

test('an unmet requirement is named with a remedy', async () => {
  for (const [part, what, remedy] of [
    [{ platform: 'darwin' }, /network namespaces, which only Linux has/, /Linux machine or VM/],
    [{ uid: 1000 }, /root \(this is user 1000\)/, /sudo.*nearside up/],
    [{ status: 'CapEff:\t0000000000000000\n' }, /CAP_NET_ADMIN.*CAP_SYS_ADMIN/, /--cap-add CAP_NET_ADMIN/],
    [{ status: 'CapEff:\t0000000000001000\n' }, /^CAP_SYS_ADMIN/, /--cap-add CAP_SYS_ADMIN\)/],
    [
      { namespace: async () => 'unshare failed: Operation not permitted' },
      /not permitted here/,
      /CLONE_NEWNET/,
    ],
    [{ tun: () => 'ENOENT' }, /\/dev\/net\/tun.*ENOENT/, /modprobe tun/],
    [{ tun: () => 'EPERM' }, /\/dev\/net\/tun.*EPERM/, /10:200/],
  ] as const) {
    const lack = await lacking(part)
    assert.match(lack?.what ?? '', what)
    assert.match(lack?.remedy ?? '', remedy)
  }
})

test('without root, the remedy offers the local world', async () => {
  assert.match((await lacking({ uid: 1000 }))!.remedy, /`nearside up` runs the same world/)
})

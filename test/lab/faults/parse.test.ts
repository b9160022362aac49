import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { ClusterFacts } from '../../../src/lab/faults/cluster-facts.ts'
import { describeFault, describeHealing } from '../../../src/lab/faults/describe.ts'
import { listFaults } from '../../../src/lab/faults/list.ts'
import type { RawFaultOptions } from '../../../src/lab/faults/parse.ts'
import { absent, faultKinds } from '../../../src/lab/faults/table.ts'
import { parse } from './samples.ts'

suite('a typed fault', () => {
  test('becomes a complete value with a description', () => {
    assert.deepEqual(parse('cut', ['us-east']), {
      kind: 'cut',
      region: 'us-east',
      from: ['us-west', 'us-central'],
      direction: 'both',
      forMs: 20_000,
    })
    assert.equal(
      describeFault(parse('cut', ['us-east'], { from: 'all', direction: 'out', for: '1.5s' })),
      'cut us-east off one way: its packets do not reach us-west, us-central and its users, for at most 1.5 s',
    )
    assert.equal(
      describeFault(parse('slow-link', ['us-east', 'us-west'], { delay: '80ms', rate: '10mbit' })),
      'slow the link between us-east and us-west: 80 ms more delay, at most 10 Mbit/s, for at most 20 s',
    )
    assert.equal(describeFault(parse('kill-process', ['us-east', 'etcd'])), 'kill us-east/etcd')
    assert.equal(describeHealing(parse('kill-region', ['us-west'])), 'restart us-west')
  })

  test('unknown names are refused with a suggestion', () => {
    const refused = (
      kind: string,
      words: string[],
      typed: RawFaultOptions = {},
      more: Partial<ClusterFacts> = {},
    ) => {
      try {
        parse(kind, words, typed, more)
      } catch (error) {
        const { message, remedy } = error as { message: string; remedy?: string }
        return `${message} | ${remedy}`
      }
      return 'accepted'
    }
    assert.match(refused('kil-region', ['us-east']), /got "kil-region" \| did you mean kill-region\?/)
    assert.match(
      refused('kill-region', ['us-est']),
      /region: expected .* got "us-est" \| did you mean us-east\?/,
    )
    assert.match(refused('pause-process', ['us-east', 'postgre']), /did you mean postgres\?/)
    assert.match(refused('kill-region', []), /expected REGION, got none/)
    assert.match(
      refused('app-hang', ['us-central']),
      /us-central is a witness without app and database; expected us-east, us-west \| nearside lab fault app-hang us-east/,
    )
    assert.match(
      refused('kill-region', ['us-east'], { for: '20' }),
      /--for: expected a time .* such as 20s, got "20"/,
    )
    assert.match(refused('kill-region', ['us-east'], { for: '2h' }), /above 0 and at most 1h/)
    assert.match(refused('lossy-link', ['us-east', 'us-west'], { loss: '500%' }), /expected a share/)
    assert.match(
      refused('kill-region', ['us-east'], { for: '0s' }),
      /expected a time above 0 and at most 1h, such as 20s, got "0s"/,
    )
    assert.match(
      refused('replay-paused', ['us-east']),
      /holds the primary, which does not replay \| name a replica’s region: us-west/,
    )
    assert.match(
      refused('cut', ['us-east'], { direction: 'sideways' }),
      /--direction: expected both, out or in, got "sideways" \| out: packets/,
    )
    assert.match(
      refused('app-clock', ['us-east']),
      /expected --offset \| run: nearside lab fault app-clock us-east --offset 30s/,
    )
    assert.match(
      refused('restart-process', ['us-east', 'postmaster']),
      /it can be killed or paused \| nearside lab fault restart-process us-east postgres/,
    )
    assert.doesNotMatch(refused('restart-process', ['us-east', 'x']), /postmaster/)
    assert.match(
      refused('disk-full', ['us-east'], {}, { smallDisks: ['us-west'] }),
      /the database in us-east has no disk of its own .* \| .*--small-disk us-east=1gb/,
    )
    assert.match(refused('app-500', ['us-east'], {}, { appFaults: false }), /\| .*--app-faults/)
    assert.match(refused('kill-region', ['us-east'], { delay: '5s' }), /does not support --delay/)
    assert.match(refused('etcd-quorum', [], { members: 'us-east' }), /a majority of the 3 members remains/)
    assert.match(refused('slow-disk', ['us-east']), /slow-disk does not exist: cgroups/)
  })

  test('the default etcd majority spares the primary’s member', () => {
    const fault = parse('etcd-quorum')
    assert.deepEqual(fault.kind === 'etcd-quorum' && fault.members, ['us-west', 'us-central'])
  })

  test('every kind is listed with effect and healing, and missing kinds with the reason', () => {
    const listed = listFaults()
    assert.deepEqual(
      listed.map(({ kind }) => kind),
      faultKinds,
    )
    for (const { kind, does, heals, needs } of listed) assert.ok(does && heals && needs, kind)
    assert.ok(absent['slow-disk'] && absent['clock-skew'])
  })
})

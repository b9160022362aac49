import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { mountsBelow, parseSmallDisks } from '../../../src/lab/faults/small-disk.ts'

suite('a small disk', () => {
  test('takes a region and a size', () => {
    assert.deepEqual(parseSmallDisks(['us-east=512mb'], ['us-east', 'us-west']), {
      'us-east': 512 * 1024 ** 2,
    })
    assert.throws(() => parseSmallDisks(['us-est=512mb'], ['us-east']), { remedy: 'did you mean us-east?' })
    assert.throws(() => parseSmallDisks(['us-east=5mb'], ['us-east']), /from 256mb to 4gb/)
    assert.throws(() => parseSmallDisks(['us-east'], ['us-east']), /expected REGION=SIZE/)
  })

  test('is found among the mounts, without other mounts', () => {
    const info = [
      '36 35 0:40 / /srv/a\\040b/x/data/postgres rw shared:1 - tmpfs nearside-small-disk rw,size=1k',
      '37 35 0:41 / /srv/a\\040b/x/other rw - tmpfs tmpfs rw',
      '38 35 0:42 / /srv/y/data/postgres rw - tmpfs nearside-small-disk rw',
    ].join('\n')
    assert.deepEqual(mountsBelow('/srv/a b', info), ['/srv/a b/x/data/postgres'])
  })
})

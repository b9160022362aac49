import { removeLab } from '../../../src/lab/lab.ts'

/**
 * Removes labs' networks:
 *
 *     node remove.ts [--wait] ID…
 *
 * With `--wait` when the other end of our standard input is closed: that is when the test that holds it has ended,
 * in whatever way.
 */
const ids = process.argv.slice(2)
if (ids[0] === '--wait') {
  ids.shift()
  for await (const _ of process.stdin);
}
for (const id of ids) await removeLab(id)

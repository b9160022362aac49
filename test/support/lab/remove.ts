import { removeLab } from '../../../src/lab/lab.ts'

/**
 * Removes the networks of labs:
 *
 *     node remove.ts [--wait] ID…
 *
 * With `--wait`, does so once standard input is closed, which means that the test process at the other end has ended
 * for any reason.
 */
const ids = process.argv.slice(2)
if (ids[0] === '--wait') {
  ids.shift()
  for await (const _ of process.stdin);
}
for (const id of ids) await removeLab(id)

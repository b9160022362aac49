import { damageOf } from '../../agent/coordination/keys/all.ts'
import { type Damage, worldRoot } from '../../agent/coordination/keys/kind.ts'
import type { KeyValue } from '../../lib/etcd/wire.ts'
import { count, list } from '../../lib/format.ts'
import { etcdOf } from '../etcd.ts'
import type { WorldHandle } from '../handle.ts'
import { type Finding, ok } from './finding.ts'

type Found = Damage & Pick<KeyValue, 'modRevision'>

/** Values below /nearside/<world>/ that agents skip. Read from etcd, because agents may be of another version. */
export async function stateFindings(world: WorldHandle): Promise<Finding[]> {
  const etcd = etcdOf(world)
  const root = worldRoot(world.record.topology.name)
  const found = await etcd.get(root, { prefix: true }).catch(() => undefined)
  if (found === undefined) return [ok('state', 'etcd does not answer')]
  const damaged = found.flatMap((kv): Found[] => {
    const damage = damageOf(kv, root)
    return damage ? [{ ...damage, modRevision: kv.modRevision }] : []
  })
  const remove = async () => {
    // One that has been replaced since is left alone.
    for (const { key, modRevision } of damaged)
      await etcd.transact([{ key, target: 'MOD', mod_revision: modRevision }], [{ delete: { key } }])
  }
  return [evaluateState(damaged, found.length, remove)]
}

/** Pure. */
export function evaluateState(
  damaged: readonly Damage[],
  keys: number,
  remove: () => Promise<void>,
): Finding {
  if (damaged.length === 0) return ok('state', `${count(keys, 'key')} in etcd, none damaged`)
  return {
    check: 'state',
    state: 'problem',
    message: `agents skip ${count(damaged.length, 'damaged value')} in etcd: ${list(damaged.map(({ key, why }) => `${key} (${why})`))}`,
    remedy: 'run `nearside doctor --fix` to remove them',
    fix: { what: `remove ${list(damaged.map(({ key }) => key))} from etcd`, run: remove },
  }
}

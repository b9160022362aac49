import type { Topology } from '../../topology/schema.ts'
import type { FinalState, History } from '../history.ts'
import { evidenceOf } from './evidence.ts'
import { guarantees } from './guarantees.ts'
import { type Guarantee, guaranteeIds, type Promises } from './types.ts'

/** Holds what users were told against what is there. Pure, and linear in the history but for sorting by time. */
export function check({ ops }: Pick<History, 'ops'>, final: FinalState, promises: Promises): Guarantee[] {
  const evidence = evidenceOf(ops, final)
  return guaranteeIds.map((id) => {
    const { title, promised, check } = guarantees[id]
    const { violations, checkedOps } = check(evidence)
    return {
      id,
      title,
      promised: promised(promises),
      violations: violations.map((violation) => ({ guarantee: id, ...violation })),
      checkedOps,
    }
  })
}

/** What a world of this topology promises today. */
export function promisesOf(topology: Pick<Topology, 'database'>): Promises {
  // Neither is built yet: a read may be served by a replica that is behind.
  return { durability: topology.database.durability, readYourWrites: false, monotonicReads: false }
}

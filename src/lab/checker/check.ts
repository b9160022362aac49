import type { Topology } from '../../topology/schema.ts'
import type { FinalState, History } from '../history.ts'
import { evidenceOf } from './evidence.ts'
import { guarantees } from './guarantees.ts'
import { type Guarantee, guaranteeIds, type Promises } from './types.ts'

/** Checks a history against the final state. Pure, and linear in the history except for sorting by time. */
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

/** The guarantees that a world of this topology gives today. */
export function promisesOf(topology: Pick<Topology, 'database'>): Promises {
  // Neither exists yet: a read may come from a lagging replica.
  return { durability: topology.database.durability, readYourWrites: false, monotonicReads: false }
}

import { clock } from '../../lib/format.ts'
import { silent } from '../../lib/note.ts'
import { type Finding, ok } from '../../world/doctor/finding.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { describeEffect, describeFault, describeHealing } from '../faults/describe.ts'
import { healLeftFaults } from '../faults/heal-world.ts'
import { isLeft, readRecords } from '../faults/record.ts'

/** Injected faults of this world: active ones, and those whose command has ended without healing them. */
export function faultFindings(world: WorldHandle): Finding[] {
  const records = readRecords(world.folder)
  if (records.length === 0) return [ok('faults', 'no injected fault is active')]
  return records.map((record): Finding => {
    const { fault, until, owner } = record
    if (!isLeft(record))
      return {
        check: 'faults',
        state: 'warning',
        message: `active until ${clock(until)}, by process ${owner.pid}: ${describeFault(fault)}`,
        remedy: 'it is healed then; Ctrl-C in that command heals it now',
      }
    return {
      check: 'faults',
      state: 'problem',
      message: `a command has ended and left a fault active: ${describeEffect(fault)}`,
      remedy: 'nearside doctor --fix, or nearside lab fault --heal',
      fix: {
        what: describeHealing(fault) ?? `forget it: ${describeEffect(fault)}`,
        run: async () => {
          const [failed] = (await healLeftFaults(world, silent)).filter(({ error }) => error !== undefined)
          if (failed) throw new Error(failed.error)
        },
      },
    }
  })
}

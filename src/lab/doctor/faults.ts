import { clock } from '../../lib/format.ts'
import { silent } from '../../lib/note.ts'
import { type Finding, ok } from '../../world/doctor/finding.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { isLeft, readRecords } from '../faults/record.ts'
import { describeFault, describeHealing, what } from '../faults/say.ts'
import { healLeftFaults } from '../faults/world.ts'

/** Faults that were injected into this world on purpose: those in force, and those that nobody heals any more. */
export function faultFindings(world: WorldHandle): Finding[] {
  const records = readRecords(world.folder)
  if (records.length === 0) return [ok('faults', 'nothing is broken on purpose')]
  return records.map((record): Finding => {
    const { fault, until, owner } = record
    if (!isLeft(record))
      return {
        check: 'faults',
        state: 'warning',
        message: `in force until ${clock(until)}, by process ${owner.pid}: ${describeFault(fault)}`,
        remedy: 'it is healed then; Ctrl-C of that command heals it now',
      }
    return {
      check: 'faults',
      state: 'problem',
      message: `a command that is gone has left in force: ${what(fault)}`,
      remedy: 'nearside doctor --fix, or nearside lab fault --heal',
      fix: {
        what: describeHealing(fault) ?? `forget it: ${what(fault)}`,
        run: async () => {
          const [failed] = (await healLeftFaults(world, silent)).filter(({ error }) => error !== undefined)
          if (failed) throw new Error(failed.error)
        },
      },
    }
  })
}

import { clock } from '../../lib/format.ts'
import { noNote } from '../../lib/note.ts'
import { type Finding, ok } from '../../world/doctor/finding.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { describeEffect, describeFault, describeHealing } from '../faults/describe.ts'
import { healLeftFaults } from '../faults/heal-world.ts'
import { isLeft, readRecords } from '../faults/record.ts'

/** Injected faults in this world: active ones, and ones whose command is gone, which nothing will heal. */
export function faultFindings(world: WorldHandle): Finding[] {
  const records = readRecords(world.folder)
  if (records.length === 0) return [ok('faults', 'no injected faults')]
  return records.map((record): Finding => {
    const { fault, until, owner } = record
    if (!isLeft(record))
      return {
        check: 'faults',
        state: 'warning',
        message: `active until ${clock(until)}, from process ${owner.pid}: ${describeFault(fault)}`,
        remedy: 'it heals then, or immediately on Ctrl-C in that command',
      }
    return {
      check: 'faults',
      state: 'problem',
      message: `left active by a command that has ended: ${describeEffect(fault)}`,
      remedy: 'run `nearside doctor --fix` or `nearside lab fault --heal`',
      fix: {
        what: describeHealing(fault) ?? `remove its record: ${describeEffect(fault)}`,
        run: async () => {
          const [failed] = (await healLeftFaults(world, noNote)).filter(({ error }) => error !== undefined)
          if (failed) throw new Error(failed.error)
        },
      },
    }
  })
}

import { parseArgs } from 'node:util'
import { noNote } from '../../lib/note.ts'
import { openWorldHere } from '../../world/find.ts'
import { guard } from './guard.ts'
import { openFaultTarget } from './open-target.ts'

/**
 * Heals the faults of a command once it ends for any reason, detected by the end of standard input.
 *
 *     node guard-child.ts --world FOLDER --pid OWNER --ticks ITS_START
 */
const { values } = parseArgs({
  options: { world: { type: 'string' }, pid: { type: 'string' }, ticks: { type: 'string' } },
})
// Ctrl-C reaches every process of the terminal; the guard outlives it on purpose.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
const released = new Promise<void>((resolve) => {
  process.stdin.on('end', resolve).on('error', () => resolve())
  process.stdin.resume()
})
const world = await openWorldHere(values.world!)
const target = await openFaultTarget(world, noNote)
await guard(target, { pid: Number(values.pid), startTicks: Number(values.ticks) }, released)
process.exit(0)

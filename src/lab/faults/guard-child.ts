import { parseArgs } from 'node:util'
import { silent } from '../../lib/note.ts'
import { openWorldHere } from '../../world/find.ts'
import { guard } from './guarded.ts'
import { openFaultTarget } from './world.ts'

/**
 * Ends the faults of a command when that ends, in whatever way: it holds the other end of our standard input.
 *
 *     node fault-guard.ts --world FOLDER --pid OWNER --ticks ITS_START
 */
const { values } = parseArgs({
  options: { world: { type: 'string' }, pid: { type: 'string' }, ticks: { type: 'string' } },
})
// Ctrl-C goes to everything in the terminal; we outlive it on purpose.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
const released = new Promise<void>((resolve) => {
  process.stdin.on('end', resolve).on('error', () => resolve())
  process.stdin.resume()
})
const world = await openWorldHere(values.world!)
const target = await openFaultTarget(world, silent)
await guard(target, { pid: Number(values.pid), startTicks: Number(values.ticks) }, released)
process.exit(0)

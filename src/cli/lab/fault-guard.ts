import { parseArgs } from 'node:util'
import { guard } from '../../lab/faults/guarded.ts'
import { createOutput } from '../output.ts'
import { openWorldHere } from '../world.ts'
import { faultHands } from './fault-world.ts'

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
const hands = await faultHands(world, createOutput({ json: true }))
await guard(hands, { pid: Number(values.pid), startTicks: Number(values.ticks) }, released)
process.exit(0)

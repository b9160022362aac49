import { rmSync } from 'node:fs'
import { killAll, processesOfWorld } from './processes.ts'

/**
 * Stops a test's world when the test process ends for any reason, detected by the end of standard input.
 *
 *     node reaper.ts WORLD_FOLDER TEMPORARY_FOLDER [COMMAND…]
 *
 * Runs the command (which removes network namespaces) last. `keep` as the temporary folder keeps the files.
 */
const [worldFolder, temporaryFolder, ...command] = process.argv.slice(2)
for await (const _ of process.stdin);
await killAll(() => processesOfWorld(worldFolder!))
if (temporaryFolder !== 'keep') rmSync(temporaryFolder!, { recursive: true, force: true, maxRetries: 5 })
if (command.length > 0) {
  const { spawnSync } = await import('node:child_process')
  spawnSync(command[0]!, command.slice(1), { stdio: 'ignore' })
}

import { rmSync } from 'node:fs'
import { killAll, processesOfWorld } from './processes.ts'

/**
 * Ends a test's world when the test's process ends, in whatever way: it holds the other end of our standard input.
 *
 *     node reaper.ts WORLD_FOLDER TEMPORARY_FOLDER [COMMAND…]
 *
 * The command (removing network namespaces) is run last; `keep` as temporary folder leaves the files.
 */
const [worldFolder, temporaryFolder, ...command] = process.argv.slice(2)
for await (const _ of process.stdin);
await killAll(() => processesOfWorld(worldFolder!))
if (temporaryFolder !== 'keep') rmSync(temporaryFolder!, { recursive: true, force: true, maxRetries: 5 })
if (command.length > 0) {
  const { spawnSync } = await import('node:child_process')
  spawnSync(command[0]!, command.slice(1), { stdio: 'ignore' })
}

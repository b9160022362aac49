import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { cacheDir, readRequirements, rootDir } from './paths.mjs'
import { Progress } from './progress.mjs'
import { stopCommands } from './run.mjs'
import { bringEngines } from './steps/engines.mjs'
import { bringHostPackages } from './steps/host.mjs'

/**
 * A root beside the engines': the same builder with other packages, for what benchmarks compare with. `npm start` and
 * `npm test` never come by here. Answers with its folder; when this process ends early, the building ends too.
 *
 * @param {string} name begins the folder's name @param {string[]} packages
 * @returns {Promise<string>}
 */
export async function bringSecondRoot(name, packages) {
  const { env } = process
  const requirements = readRequirements()
  const engines = { ...requirements.engines, packages, minimum: {} }
  const root = rootDir(env, name, engines)
  if (existsSync(root)) return root
  const progress = new Progress()
  const context = {
    env,
    requirements: { ...requirements, engines },
    progress,
    isRoot: process.getuid?.() === 0,
    nodeVersion: process.versions.node,
  }
  const onWait = () => progress.line('another set-up is at work; waiting for it')
  process.once('exit', stopCommands)
  try {
    await withLock(join(cacheDir(env), 'set-up.lock'), onWait, async () => {
      await bringHostPackages(context, root)
      await bringEngines(context, root, name)
    })
  } finally {
    process.off('exit', stopCommands)
    progress.failed()
  }
  return root
}

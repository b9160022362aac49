import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { withLock } from './lock.mjs'
import { cacheDir, readRequirements, rootDir } from './paths.mjs'
import { Progress } from './progress.mjs'
import { stopCommands } from './run.mjs'
import { installEngines } from './steps/engines.mjs'
import { installHostPackages } from './steps/host.mjs'

/**
 * Builds another root with the same builder and other packages, for programs that benchmarks compare with. `npm start`
 * and `npm test` never use it. Returns its folder. If this process exits early, the build stops as well.
 *
 * @param {string} name prefix of the folder's name @param {string[]} packages
 * @returns {Promise<string>}
 */
export async function installSecondRoot(name, packages) {
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
  const onWait = () => progress.line('waiting for another set-up to finish')
  process.once('exit', stopCommands)
  try {
    await withLock(join(cacheDir(env), 'set-up.lock'), onWait, async () => {
      await installHostPackages(context, root)
      await installEngines(context, root, name)
    })
  } finally {
    process.off('exit', stopCommands)
    progress.failed()
  }
  return root
}

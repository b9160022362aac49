import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { at, explain } from './explain.mjs'
import { withLock } from './lock.mjs'
import { cacheDir, engineRootDir, home, isClone, readRequirements } from './paths.mjs'
import { Progress } from './progress.mjs'
import { run, stopCommands } from './run.mjs'
import { installEngines } from './steps/engines.mjs'
import { installHostPackages } from './steps/host.mjs'
import { installNode } from './steps/node.mjs'
import { installPackages } from './steps/packages.mjs'
import { checkPlatform } from './steps/platform.mjs'
import { checkSandbox } from './steps/sandbox.mjs'

/**
 * Installs what is missing, in order, then writes the stamp that lets the launcher skip all of this. Called by
 * setup/launch.sh with the stamp's key, a hash of all requirements.
 */

/** @typedef {{ env: NodeJS.ProcessEnv, requirements: import('./paths.mjs').Requirements, progress: Progress, isRoot: boolean, nodeVersion: string }} Context */

/** @param {Context} context @param {string} key */
async function setUp(context, key) {
  const { env, requirements, progress } = context
  const cache = cacheDir(env)
  const engineRoot = engineRootDir(env, requirements.engines)
  checkPlatform({ platform: process.platform, arch: process.arch, engineRoot })
  const onWait = (/** @type {string} */ holder) =>
    progress.line(`waiting for another set-up${holder ? ` (process ${holder})` : ''} to finish`)
  await withLock(join(cache, 'set-up.lock'), onWait, async () => {
    const node = await installNode(context)
    // npm has installed the packages of an installed package, whose folder may be read-only.
    if (isClone(home))
      // Other users may set up the same clone, so lock a file of the clone itself.
      await withLock(join(home, 'package-lock.json'), onWait, () => installPackages(context, home), {
        writeId: false,
      })
    await installHostPackages(context, engineRoot)
    await checkSandbox()
    await installEngines(context, engineRoot)
    const version = (await run([node, '--version'])).trim()
    if (isClone(home)) writeAside(join(home, 'node_modules', '.nearside-ready'), `${key}\n`)
    writeAside(join(cache, `ready-${key}`), `${node}\n${version}\n${engineRoot}\n`)
  })
}

/** Keeps a file that already has this content, because it may belong to another user. @param {string} path @param {string} text */
function writeAside(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return
  at(path, () => {
    writeFileSync(`${path}.${process.pid}`, text)
    renameSync(`${path}.${process.pid}`, path)
  })
}

const [, , key = ''] = process.argv
// It becomes part of a file's name. Anything else is somebody who runs this file by hand.
if (!/^[0-9a-f]{64}$/.test(key)) {
  console.error('nearside set-up: run by the launchers in bin/, not by hand: try bin/nearside --help')
  process.exit(2)
}
const progress = new Progress()
/** @type {NodeJS.Signals | undefined} */
let interruptedBy
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']))
  process.on(signal, () => {
    interruptedBy = signal
    stopCommands()
  })

try {
  const isRoot = process.getuid?.() === 0
  await setUp(
    {
      env: process.env,
      requirements: readRequirements(),
      progress,
      isRoot,
      nodeVersion: process.versions.node,
    },
    key,
  )
} catch (error) {
  const step = progress.failed()
  if (interruptedBy) progress.line('interrupted; run the same command again to continue')
  else progress.line(`${step ? `step "${step}": ` : ''}${explain(error, process.env)}`)
  process.exitCode = interruptedBy ? 128 + constants.signals[interruptedBy] : 1
}

import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { SetupFailure } from '../failure.mjs'
import { cacheDir } from '../paths.mjs'
import { findCommand, run } from '../run.mjs'
import { removeUnfinished } from '../scratch.mjs'
import { nodeSuffices } from '../versions.mjs'

/** @typedef {import('../main.mjs').Context} Context */

/**
 * Answers with a Node that runs TypeScript as it is: the one that runs this, else one of the npm registry's
 * `node-linux-*` packages, which hold nothing but the binary. It is for Nearside alone; the machine's own Node stays
 * as it is and goes on running whatever needs it.
 *
 * @param {Context} context @returns {Promise<string>}
 */
export async function bringNode({ env, requirements, progress, nodeVersion }) {
  const { minimum } = requirements.node
  if (nodeSuffices(nodeVersion, minimum)) return process.execPath
  const spec = requirements.node.package.replace('{arch}', process.arch)
  const folder = join(cacheDir(env), spec.replace('@', '-'))
  const binary = join(folder, 'bin', 'node')
  if (existsSync(binary)) return binary

  progress.begin(`Node ${spec.split('@')[1]}`, `this machine has ${nodeVersion}`)
  if (!findCommand('npm'))
    throw new SetupFailure('there is no npm on this machine', 'Install npm (Debian: apt-get install npm).')
  removeUnfinished(folder)
  const aside = `${folder}.making-${process.pid}`
  mkdirSync(aside, { recursive: true })
  try {
    await run(
      ['npm', 'install', '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--prefix', aside, spec],
      { cwd: aside },
    )
    const made = join(aside, 'node_modules', /** @type {string} */ (spec.split('@')[0]))
    const version = (await run([join(made, 'bin', 'node'), '--version'])).trim().slice(1)
    if (!nodeSuffices(version, minimum))
      throw new SetupFailure(`npm brought Node ${version}; ${minimum} or newer is needed`)
    renameSync(made, folder)
  } finally {
    removeUnfinished(folder)
  }
  progress.done()
  return binary
}

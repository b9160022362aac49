import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { SetupFailure } from '../failure.mjs'
import { cacheDir } from '../paths.mjs'
import { findCommand, run } from '../run.mjs'
import { removeUnfinished } from '../scratch.mjs'
import { nodeSuffices } from '../versions.mjs'

/** @typedef {import('../main.mjs').Context} Context */

/**
 * Returns a Node that runs TypeScript directly: the current one, or one of the npm registry's `node-linux-*` packages,
 * which contain only the binary. It is for Nearside only and does not affect the machine's own Node.
 *
 * @param {Context} context @returns {Promise<string>}
 */
export async function installNode({ env, requirements, progress, nodeVersion }) {
  const { minimum } = requirements.node
  if (nodeSuffices(nodeVersion, minimum)) return process.execPath
  const spec = requirements.node.package.replace('{arch}', process.arch)
  const folder = join(cacheDir(env), spec.replace('@', '-'))
  const binary = join(folder, 'bin', 'node')
  if (existsSync(binary)) return binary

  progress.begin(`Node ${spec.split('@')[1]}`, `this machine has ${nodeVersion}`)
  if (!findCommand('npm'))
    throw new SetupFailure('npm is not installed', 'Install npm (Debian: apt-get install npm).')
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
      throw new SetupFailure(`expected Node ${minimum} or newer from npm, got ${version}`)
    renameSync(made, folder)
  } finally {
    removeUnfinished(folder)
  }
  progress.done()
  return binary
}

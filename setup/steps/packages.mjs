import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { SetupFailure } from '../failure.mjs'
import { findCommand, run } from '../run.mjs'

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean, link?: boolean }} LockedPackage */
/** @typedef {{ packages?: Record<string, LockedPackage> }} LockFile */

/**
 * Installs the npm packages of the lock file. Never runs packages' own scripts: none of ours needs them, and they are
 * the usual entry point of a malicious package.
 *
 * @param {import('../main.mjs').Context} context @param {string} home
 */
export async function installPackages({ progress }, home) {
  const wanted = readLock(join(home, 'package-lock.json'))
  if (!wanted)
    throw new SetupFailure(
      `${join(home, 'package-lock.json')} is missing or invalid`,
      'Restore the file: git checkout package-lock.json',
    )
  const installed = readLock(join(home, 'node_modules', '.package-lock.json'))
  if (packagesMatch(wanted, installed) && areThere(home, installed)) return
  progress.begin('npm packages')
  if (!findCommand('npm'))
    throw new SetupFailure('npm is not installed', 'Install npm (Debian: apt-get install npm).')
  // npm writes node_modules/.package-lock.json last, so an interrupted run is repeated.
  await run(
    ['npm', 'ci', '--ignore-scripts', '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
    { cwd: home },
  )
  progress.done()
}

/**
 * Whether node_modules matches the lock file. Packages for other platforms may be missing.
 *
 * @param {LockFile} wanted @param {LockFile | undefined} installed
 */
export function packagesMatch(wanted, installed) {
  if (!installed?.packages) return false
  const have = installed.packages
  const need = Object.entries(wanted.packages ?? {}).filter(([path]) => path !== '')
  return (
    need.every(([path, { version, integrity, optional }]) => {
      const found = have[path]
      return found ? found.version === version && found.integrity === integrity : optional === true
    }) && Object.keys(have).every((path) => wanted.packages?.[path])
  )
}

/**
 * `npm install --package-lock-only` lists packages in node_modules that it has not put there.
 *
 * @param {string} home @param {LockFile | undefined} installed
 */
function areThere(home, installed) {
  return Object.keys(installed?.packages ?? {}).every((path) => existsSync(join(home, path)))
}

/** @param {string} path @returns {LockFile | undefined} */
function readLock(path) {
  try {
    return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
  } catch {
    return undefined
  }
}

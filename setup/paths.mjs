import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SetupFailure } from './failure.mjs'

/**
 * Where the set-up installs things. The engine root and Node belong to a user on this machine, npm packages to a
 * clone. Plain JavaScript, because it also runs on the old Node that the set-up replaces.
 */

/** @typedef {{ suite: string, packages: string[], minimum: Record<string, string>, leaveOut: string[], layout: number }} EngineRequirements */
/** @typedef {{ node: { minimum: string, package: string }, host: { command: string, package: string }[], engines: EngineRequirements }} Requirements */

/** The clone or the installed package that this set-up belongs to. */
export const home = fileURLToPath(new URL('..', import.meta.url)).replace(/\/$/, '')

/** A published package holds no src/. The same rule is in launch.sh. @param {string} folder */
export const isClone = (folder) => existsSync(join(folder, 'src'))

/** @returns {Requirements} */
export function readRequirements() {
  return JSON.parse(readFileSync(join(home, 'setup', 'requirements.json'), 'utf8'))
}

/** @param {NodeJS.ProcessEnv} env */
export function cacheDir(env) {
  // The XDG specification: a relative path is invalid and must be ignored.
  const base = env.XDG_CACHE_HOME?.startsWith('/') ? env.XDG_CACHE_HOME : join(homeOf(env), '.cache')
  return join(base, 'nearside')
}

/** @param {NodeJS.ProcessEnv} env */
function homeOf(env) {
  // Relative to the current folder, it would be another one for each command.
  if (env.HOME?.startsWith('/')) return env.HOME
  try {
    return userInfo().homedir
  } catch {
    throw new SetupFailure(
      `HOME is ${env.HOME ? `the relative path ${env.HOME}` : 'not set'}, and this user has no entry in /etc/passwd`,
      'Set HOME to a folder of this user, or XDG_CACHE_HOME to another folder.',
    )
  }
}

/**
 * The folder's name is a hash of everything that determines its contents, so a changed list builds a new root next to
 * the old one, from which worlds may still be running.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {EngineRequirements} engines
 */
export function engineRootDir(env, engines) {
  return rootDir(env, 'engines', engines)
}

/** @param {NodeJS.ProcessEnv} env @param {string} name @param {EngineRequirements} engines */
export function rootDir(env, name, engines) {
  const hash = createHash('sha256')
    .update(JSON.stringify([engines, process.arch]))
    .digest('hex')
  return join(cacheDir(env), `${name}-${hash.slice(0, 12)}`)
}

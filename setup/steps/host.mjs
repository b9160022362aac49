import { existsSync } from 'node:fs'
import { CommandFailure, SetupFailure } from '../failure.mjs'
import { findCommand, run } from '../run.mjs'
import { asRoot } from './sandbox.mjs'

/** @typedef {import('../main.mjs').Context} Context */

const DEBIAN_KEYS = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Installs packages on the host: bubblewrap to run engines and, for building the engine root, mmdebstrap (with uidmap
 * for an ordinary user). Nothing else is ever installed on the host.
 *
 * @param {Context} context @param {string} engineRoot
 */
export async function installHostPackages({ requirements, progress, isRoot }, engineRoot) {
  const building = !existsSync(engineRoot)
  const commands = [
    'bwrap',
    ...(building ? ['mmdebstrap'] : []),
    ...(building && !isRoot ? ['newuidmap'] : []),
  ]
  const packages = requirements.host
    .filter(({ command }) => commands.includes(command) && !findCommand(command))
    .map((entry) => entry.package)
  // Ubuntu lacks the signing keys of Debian's packages.
  if (building && !existsSync(DEBIAN_KEYS)) packages.push('debian-archive-keyring')
  if (packages.length === 0) return

  const prefix = await rootPrefix(isRoot, packages)
  progress.begin(`${listed(packages)} from apt`)
  const apt = [
    ...prefix,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-y',
    '-o',
    'DPkg::Lock::Timeout=300',
  ]
  const install = [...apt, '--no-install-recommends', 'install', ...packages]
  const options = { onLine: (/** @type {string} */ line) => progress.detail(line) }
  try {
    await run(install, options)
  } catch (error) {
    if (!(error instanceof CommandFailure)) throw error
    // A fresh machine has no package lists, and an old one may have outdated ones.
    await run([...apt, 'update'], options)
    await run(install, options)
  }
  progress.done()
}

/**
 * The prefix of a command that needs root. Sudo asks for its password here, on the terminal, before progress is drawn
 * over it.
 *
 * @param {boolean} isRoot @param {string[]} packages @returns {Promise<string[]>}
 */
async function rootPrefix(isRoot, packages) {
  if (isRoot) return []
  const missing = `${listed(packages)} ${packages.length === 1 ? 'is' : 'are'} missing`
  const remedy = asRoot([`apt-get install -y ${packages.join(' ')}`])
  if (!findCommand('sudo')) throw new SetupFailure(`${missing}, and installing it needs root or sudo`, remedy)
  const quiet = await run(['sudo', '-n', 'true']).then(
    () => true,
    () => false,
  )
  if (quiet) return ['sudo', '-n']
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new SetupFailure(`${missing}, and sudo has no terminal to ask for a password`, remedy)
  try {
    await run(['sudo', '-p', `nearside set-up: ${missing}; sudo password of %p: `, '-v'], {
      terminal: true,
    })
  } catch {
    throw new SetupFailure(`${missing}, and sudo did not allow this user to install it`, remedy)
  }
  return ['sudo']
}

/** @param {string[]} names @returns {string} such as `a, b and c` */
function listed(names) {
  return names.join(', ').replace(/, ([^,]+)$/, ' and $1')
}

import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { SetupFailure } from '../failure.mjs'
import { findCommand, run } from '../run.mjs'

/** @typedef {import('../main.mjs').Context} Context */

/**
 * The host's own packages: bubblewrap to run engines and, until the engine root is built, mmdebstrap (with uidmap for
 * an ordinary user). Nothing else is ever installed on the host.
 *
 * @param {Context} context @param {string} engineRoot
 */
export async function bringHostPackages({ requirements, progress, isRoot }, engineRoot) {
  const needed = existsSync(engineRoot)
    ? ['bwrap']
    : isRoot
      ? ['bwrap', 'mmdebstrap']
      : ['bwrap', 'mmdebstrap', 'newuidmap']
  const packages = requirements.host
    .filter(({ command }) => needed.includes(command) && !findCommand(command))
    .map((entry) => entry.package)
  if (isDebianFamilyWithoutKeys() && !existsSync(engineRoot)) packages.push('debian-archive-keyring')
  if (packages.length === 0) return

  const privileged = await privilege(isRoot, packages)
  progress.begin(`${packages.join(' and ')} by apt`)
  const apt = [
    ...privileged,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-y',
    '-o',
    'DPkg::Lock::Timeout=300',
  ]
  const install = [...apt, '--no-install-recommends', 'install', ...packages]
  const options = {
    terminal: privileged.length > 0,
    onLine: (/** @type {string} */ line) => progress.detail(line),
  }
  try {
    await run(install, options)
  } catch {
    // A fresh machine has no package lists, an old one outdated ones.
    await run([...apt, 'update'], options)
    await run(install, options)
  }
  progress.done()
}

/** @param {boolean} isRoot @param {string[]} packages @returns {Promise<string[]>} what to put before a command that needs root */
async function privilege(isRoot, packages) {
  if (isRoot) return []
  const remedy = `Let someone with root rights type this, then type the same command again:\n    apt-get install -y ${packages.join(' ')}`
  if (!findCommand('sudo'))
    throw new SetupFailure(`${packages.join(' and ')} missing, and installing needs root or sudo`, remedy)
  const canAsk = process.stdin.isTTY && process.stderr.isTTY
  try {
    await run(['sudo', '-n', 'true'])
    return ['sudo', '-n']
  } catch {
    if (canAsk) return ['sudo']
    throw new SetupFailure(
      `${packages.join(' and ')} missing, and sudo asks for a password, but there is no terminal to ask on`,
      remedy,
    )
  }
}

function isDebianFamilyWithoutKeys() {
  return findCommand('apt-get') !== undefined && !existsSync('/usr/share/keyrings/debian-archive-keyring.gpg')
}

/** @param {boolean} isRoot an ordinary user needs a range of ids of their own for mmdebstrap */
export function checkIdRange(isRoot) {
  if (isRoot) return
  const { username, uid } = userInfo()
  const listed = (/** @type {string} */ file) =>
    existsSync(file) &&
    readFileSync(file, 'utf8')
      .split('\n')
      .some((line) => line.startsWith(`${username}:`) || line.startsWith(`${uid}:`))
  if (listed('/etc/subuid') && listed('/etc/subgid')) return
  throw new SetupFailure(
    `${username} has no range of ids in /etc/subuid and /etc/subgid, which building the engine root needs`,
    `Let someone with root rights type this, then type the same command again:\n    usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${username}`,
  )
}

/** Fails where bubblewrap cannot make its sandbox, and says which switch forbids it. */
export async function checkSandbox() {
  try {
    await run([
      'bwrap',
      '--unshare-user',
      '--uid',
      '1000',
      '--gid',
      '1000',
      '--ro-bind',
      '/',
      '/',
      '--dev',
      '/dev',
      '--proc',
      '/proc',
      'true',
    ])
  } catch (error) {
    const forbidden = [
      {
        file: '/proc/sys/kernel/unprivileged_userns_clone',
        is: '0',
        set: 'kernel.unprivileged_userns_clone=1',
      },
      {
        file: '/proc/sys/kernel/apparmor_restrict_unprivileged_userns',
        is: '1',
        set: 'kernel.apparmor_restrict_unprivileged_userns=0',
      },
      { file: '/proc/sys/user/max_user_namespaces', is: '0', set: 'user.max_user_namespaces=10000' },
    ].filter(({ file, is }) => existsSync(file) && readFileSync(file, 'utf8').trim() === is)
    const remedy =
      forbidden.length > 0
        ? `User namespaces are switched off. Let someone with root rights type this, then type the same command again:\n${forbidden.map(({ set }) => `    sysctl -w ${set}`).join('\n')}`
        : 'Engines run in user and mount namespaces. A container must be allowed to make them (Docker: --privileged, or --security-opt seccomp=unconfined --cap-add SYS_ADMIN).'
    throw new SetupFailure(
      `bubblewrap cannot make a sandbox here:\n${error instanceof Error ? error.message : error}`,
      remedy,
    )
  }
}

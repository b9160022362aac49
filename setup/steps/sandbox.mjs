import { existsSync, readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { SetupFailure } from '../failure.mjs'
import { run } from '../run.mjs'

/** Kernel settings that can forbid user namespaces, and the values that allow them. */
const SWITCHES = [
  { file: 'kernel/unprivileged_userns_clone', forbids: '0', allow: 'kernel.unprivileged_userns_clone=1' },
  {
    file: 'kernel/apparmor_restrict_unprivileged_userns',
    forbids: '1',
    allow: 'kernel.apparmor_restrict_unprivileged_userns=0',
  },
  { file: 'user/max_user_namespaces', forbids: '0', allow: 'user.max_user_namespaces=10000' },
]

const TRIAL = [
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
]

/** Fails if bubblewrap cannot create a sandbox, and names the kernel setting that forbids it. */
export async function checkSandbox() {
  try {
    await run(['bwrap', ...TRIAL, 'true'])
  } catch (error) {
    const allow = SWITCHES.filter(({ file, forbids }) => read(`/proc/sys/${file}`).trim() === forbids)
    const remedy =
      allow.length > 0
        ? asRoot(allow.map((entry) => `sysctl -w ${entry.allow}`))
        : 'Allow the container to create user and mount namespaces (Docker: --privileged).'
    const why = error instanceof Error ? error.message : error
    throw new SetupFailure(
      `engines run in sandboxes, but bubblewrap cannot create one here:\n    ${why}`,
      remedy,
    )
  }
}

/**
 * An ordinary user needs a range of subordinate ids to build the engine root, because Debian's files belong to several
 * users.
 *
 * @param {boolean} isRoot
 */
export function checkIdRange(isRoot) {
  if (isRoot) return
  const user = nameAndId()
  const owns = (/** @type {string} */ line) => user.some((name) => line.startsWith(`${name}:`))
  if (['/etc/subuid', '/etc/subgid'].every((file) => read(file).split('\n').some(owns))) return
  throw new SetupFailure(
    `user ${user[0]} has no range of ids in /etc/subuid and /etc/subgid, which building the engine root needs`,
    asRoot([`usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${user[0]}`]),
  )
}

/** @param {string[]} commands */
export function asRoot(commands) {
  const lines = commands.map((command) => `    ${command}`)
  return ['Run this as root, then run the same command again:', ...lines].join('\n')
}

function nameAndId() {
  const id = String(process.getuid?.())
  try {
    return [userInfo().username, id]
  } catch {
    return [id] // An id without a name, as in some containers.
  }
}

/** @param {string} file */
function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

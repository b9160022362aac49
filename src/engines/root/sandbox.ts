import { isAbsolute, join, normalize } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'
import { runFolder } from '../context.ts'

/** The only ids inside the sandbox; the engine root's /etc/passwd names them (uid 1000 is `nearside`). */
const UID = '1000'
const GID = '1000'

/** Default environment of a command. */
const DEFAULTS = {
  // /usr/local/bin is empty inside. It is listed for `spawn`, which also uses this PATH to find bubblewrap.
  PATH: '/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/usr/local/bin',
  HOME: '/tmp',
  LANG: 'C.UTF-8',
}

type Bind = { readonly path: string; readonly readonly?: boolean }

export type SandboxOptions = {
  /** The engine root's folder on the host. */
  readonly root: string
  /** Host folders or files that appear inside under the same path; they must exist. Everything else is invisible. */
  readonly binds: readonly Bind[]
  /** A host folder for Unix sockets; appears inside at `runFolder`. */
  readonly runDir?: string
  /** Inside one of the binds, or any folder of the engine root. */
  readonly cwd: string
  /** The complete environment of the command, on top of defaults for PATH, HOME and LANG. Secrets are safe here. */
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
  /** File descriptor to which bubblewrap writes the command's process id; see `childPid`. */
  readonly infoFd?: number
  /**
   * `detached` (default): for engines, which keep running when their starter exits.
   * `tied`: for short commands (initdb, a configuration check), which are killed when bubblewrap or its caller exits.
   * This works only after their exec: if bubblewrap is killed in the milliseconds before it, they keep running.
   */
  readonly lifetime?: 'detached' | 'tied'
  /**
   * The command may bind ports below 1024. Only root can give that away. The kernel asks the user namespace that owns the
   * network for it, which is the host's, so the command gets no user namespace of its own: it runs as root, whose files
   * it could access anyway, with CAP_NET_BIND_SERVICE as its only capability and no way to gain others.
   */
  readonly bindsLowPorts?: boolean
}

/** Arguments for `spawn(file, args, { env })`. The environment must be exactly this one. */
type SandboxCommand = {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * Builds the command line that runs a program of the engine root in a bubblewrap sandbox. Pure.
 *
 * The sandbox contains the engine root's /usr and /etc and the host's /etc/hosts and /etc/resolv.conf, read-only; the
 * binds; empty private /tmp, /run and /var; and the host's network, process ids and System V shared memory. Do not
 * unshare the latter: by a shared memory segment, PostgreSQL detects that an old server in another sandbox still uses
 * its data.
 *
 * The command runs without capabilities (except with `bindsLowPorts`) as uid 1000, the only uid of its user namespace, mapped to the user who starts
 * it. So PostgreSQL also runs when root starts it, and a world may be in a folder that only root can enter. New files
 * belong to the starter. A folder of *another* user is not accessible, not even to root.
 *
 * Bubblewrap passes its own environment on. Secrets go there and never into its arguments, which every user of the
 * machine can read: hence no --setenv, and no --clearenv, which would clear the secrets too.
 *
 * Properties of bubblewrap that a supervisor relies on (all tested in test/engines/root/):
 * - `bwrap` stays as the command's parent (2 MB) and exits together with it, with its exit status (128 + n for signal
 *   n).
 * - It does not forward signals. SIGTERM or SIGKILL ends only bwrap: a detached command keeps running under init, and
 *   its exit status is lost. So signal the command itself, by the process id from --info-fd.
 * - That is the host's process id, valid from before the exec; it is also the process group and session. It is known a
 *   moment before the command runs. If the pipe closes without an id, bubblewrap has failed.
 * - Any process of the same owner, in another sandbox or on the host, can signal the command; an adopting agent can
 *   too.
 */
export function sandboxCommand(options: SandboxOptions): SandboxCommand {
  const { root, binds, runDir, cwd, env, command, infoFd, lifetime = 'detached' } = options
  const user = options.bindsLowPorts
    ? ['--cap-drop', 'ALL', '--cap-add', 'CAP_NET_BIND_SERVICE']
    : ['--unshare-user', '--uid', UID, '--gid', GID, '--cap-drop', 'ALL']
  const args = [
    ...user,
    '--new-session',
    ...(lifetime === 'tied' ? ['--die-with-parent'] : []),
    ...(infoFd === undefined ? [] : ['--info-fd', String(infoFd)]),
    ...['--ro-bind', join(root, 'usr'), '/usr', '--ro-bind', join(root, 'etc'), '/etc'],
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
    ...['--ro-bind-try', '/etc/hosts', '/etc/hosts', '--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf'],
    // Not --proc: a process started by root owns the files in /proc/sys, even without capabilities.
    ...[
      '--ro-bind',
      '/proc',
      '/proc',
      '--dev',
      '/dev',
      '--tmpfs',
      '/tmp',
      '--tmpfs',
      '/run',
      '--tmpfs',
      '/var',
    ],
    ...coveredFolders(binds),
    ...binds.flatMap(({ path, readonly }) => [readonly ? '--ro-bind' : '--bind', path, checked(path)]),
    ...(runDir === undefined ? [] : ['--bind', runDir, runFolder]),
    ...['--remount-ro', '/', '--chdir', cwd, '--', ...command],
  ]
  return { file: 'bwrap', args, env: { ...DEFAULTS, ...env } }
}

/** The read-only /usr allows no new mount points, but its two folders for local files can be replaced as a whole. */
function coveredFolders(binds: readonly Bind[]): string[] {
  return ['/usr/src', '/usr/local']
    .filter((folder) => binds.some(({ path }) => path.startsWith(`${folder}/`)))
    .flatMap((folder) => ['--tmpfs', folder])
}

const TAKEN = /^\/(usr(?!\/(src|local)\/)|etc|proc|sys|dev|bin|sbin|lib|lib64)(\/|$)/

function checked(path: string): string {
  if (isAbsolute(path) && normalize(path) === path && !path.endsWith('/') && !TAKEN.test(path)) return path
  throw new NearsideError('sandbox_path', `${path}: the sandbox of an engine cannot contain this path`, {
    remedy: 'move the app and its world to an ordinary folder, such as one below /home, /srv, /opt or /var',
  })
}

/** Parses the process id from bubblewrap's output on `infoFd`; undefined while that is incomplete. */
export function childPid(info: string): number | undefined {
  const found = /"child-pid":\s*(\d+)\s*[,}]/.exec(info)
  return found ? Number(found[1]) : undefined
}

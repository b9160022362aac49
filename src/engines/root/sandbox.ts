import { isAbsolute, join, normalize } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'
import { runFolder } from '../context.ts'

/** The only ids that exist inside; the engine root's /etc/passwd names them (uid 1000 is `nearside`). */
const UID = '1000'
const GID = '1000'

/** What a command finds in its environment if the caller says nothing else. */
const DEFAULTS = {
  // /usr/local/bin is empty inside; it is here for `spawn`, which looks for bubblewrap by this PATH too.
  PATH: '/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/usr/local/bin',
  HOME: '/tmp',
  LANG: 'C.UTF-8',
}

type Bind = { readonly path: string; readonly readonly?: boolean }

export type SandboxOptions = {
  /** The engine root's folder on the host. */
  readonly root: string
  /** Host folders or files that appear inside at their own path; they must exist. Everything else stays invisible. */
  readonly binds: readonly Bind[]
  /** A host folder for unix sockets; appears inside at `runFolder`. */
  readonly runDir?: string
  /** Inside one of the binds, or any folder of the engine root. */
  readonly cwd: string
  /** The whole environment of the command; PATH, HOME and LANG have defaults. Secrets are safe here. */
  readonly env: Readonly<Record<string, string>>
  readonly command: readonly string[]
  /** File descriptor on which bubblewrap says the command's process id; see `childPid`. */
  readonly infoFd?: number
  /**
   * `detached` (default): an engine, which goes on when whoever started it dies.
   * `tied`: a short command (initdb, a configuration check), killed when bubblewrap or its caller dies. Only from its
   * exec on: bubblewrap killed in the milliseconds before leaves it running.
   */
  readonly lifetime?: 'detached' | 'tied'
}

/** What to give to `spawn(file, args, { env })`: the environment has to be exactly this one. */
type SandboxCommand = {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/**
 * The command that runs something from the engine root in a sandbox of bubblewrap. Pure.
 *
 * Inside: the engine root's /usr and /etc and the host's /etc/hosts and /etc/resolv.conf, read-only; the binds; empty
 * /tmp, /run and /var of its own; the host's network, process ids and System V shared memory. PostgreSQL knows by a
 * segment of the latter that an old server still uses its data, even when a new sandbox asks: do not unshare it.
 *
 * The command runs as uid 1000 of a user namespace in which that is the only uid, mapped to whoever starts it, and
 * with no capability. So PostgreSQL runs for root too, and a world below a folder that only root can enter works.
 * Files that it makes belong to the starter. A folder that belongs to *another* user is closed to it, for root too.
 *
 * Bubblewrap hands its own environment on, so secrets go there and never into its arguments, which everyone on the
 * machine can read: hence no --setenv, and no --clearenv, which would clear that too.
 *
 * What a supervisor has to know of bubblewrap (each is tested in test/engines/root/):
 * - `bwrap` stays as the command's parent (2 MB), ends when it does and with its exit status (128 + n for signal n).
 * - It passes no signal on. SIGTERM or SIGKILL to it ends it alone: a detached command then belongs to init, keeps
 *   running and nobody learns its exit status. So signal the command itself, by the process id of --info-fd.
 * - That id is the host's, and the command keeps it from before its exec; it is also its process group and session.
 *   It is known a moment before the command runs; if the pipe ends without an id, bubblewrap has failed.
 * - A process of another sandbox or of the host with the same owner can signal it, so an adopting agent can, too.
 */
export function sandboxCommand(options: SandboxOptions): SandboxCommand {
  const { root, binds, runDir, cwd, env, command, infoFd, lifetime = 'detached' } = options
  const args = [
    ...['--unshare-user', '--uid', UID, '--gid', GID, '--cap-drop', 'ALL', '--new-session'],
    ...(lifetime === 'tied' ? ['--die-with-parent'] : []),
    ...(infoFd === undefined ? [] : ['--info-fd', String(infoFd)]),
    ...['--ro-bind', join(root, 'usr'), '/usr', '--ro-bind', join(root, 'etc'), '/etc'],
    ...['bin', 'sbin', 'lib', 'lib64'].flatMap((name) => ['--symlink', `usr/${name}`, `/${name}`]),
    ...['--ro-bind-try', '/etc/hosts', '/etc/hosts', '--ro-bind-try', '/etc/resolv.conf', '/etc/resolv.conf'],
    // Not --proc: started by root, a process owns the files in /proc/sys even without a capability.
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

/** Mount points cannot be made in the read-only /usr, but its two folders for local things can be replaced whole. */
function coveredFolders(binds: readonly Bind[]): string[] {
  return ['/usr/src', '/usr/local']
    .filter((folder) => binds.some(({ path }) => path.startsWith(`${folder}/`)))
    .flatMap((folder) => ['--tmpfs', folder])
}

const TAKEN = /^\/(usr(?!\/(src|local)\/)|etc|proc|sys|dev|bin|sbin|lib|lib64)(\/|$)/

function checked(path: string): string {
  if (isAbsolute(path) && normalize(path) === path && !path.endsWith('/') && !TAKEN.test(path)) return path
  throw new NearsideError('sandbox_path', `${path}: an engine cannot be given this path`, {
    remedy: 'keep the app and its world in an ordinary folder, such as one below /home, /srv, /opt or /var',
  })
}

/** The process id from what bubblewrap wrote to `infoFd`, or undefined while it is not complete. */
export function childPid(info: string): number | undefined {
  const found = /"child-pid":\s*(\d+)\s*[,}]/.exec(info)
  return found ? Number(found[1]) : undefined
}

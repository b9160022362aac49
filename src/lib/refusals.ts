/** Errors of the operating system that are not bugs, by error code. */
const refusals: Record<string, { why: string; remedy: string }> = {
  EROFS: { why: 'the file system is read-only', remedy: 'use a writable folder' },
  EACCES: { why: 'permission denied', remedy: 'grant this user access, or run as the owner' },
  EPERM: { why: 'not permitted', remedy: 'grant this user access, or run as the owner' },
  ENOSPC: { why: 'the disk is full', remedy: 'free some space' },
  EDQUOT: { why: 'this user’s disk quota is exceeded', remedy: 'free some space' },
  EMFILE: { why: 'too many open files', remedy: 'raise the limit with `ulimit -n`' },
  ENFILE: { why: 'too many open files on this machine', remedy: 'stop the processes that have them open' },
  EIO: { why: 'the disk reports an error', remedy: 'see dmesg' },
}

/** Node leaves out the path when a write or a close fails, which these codes suffice to explain. */
const needNoPath = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO']

type Refusal = { code: string; why: string; remedy: string; path?: string; syscall?: string }

/** Why the operating system refused, and what to do about it; undefined for any other error. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined
  const { code = '', path, syscall } = error as NodeJS.ErrnoException
  const refusal = Object.hasOwn(refusals, code) ? refusals[code] : undefined
  if (!refusal || (path === undefined && !needNoPath.includes(code))) return undefined
  return {
    code,
    ...refusal,
    ...(path === undefined ? {} : { path }),
    ...(syscall === undefined ? {} : { syscall }),
  }
}

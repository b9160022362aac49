import { join } from 'node:path'

/** By Node's name of the processor: the loader of a root's programs, and the folder of its libraries. */
const LAYOUT: Record<string, { loader: string; libraries: string }> = {
  x64: { loader: 'usr/lib64/ld-linux-x86-64.so.2', libraries: 'usr/lib/x86_64-linux-gnu' },
  arm64: { loader: 'usr/lib/ld-linux-aarch64.so.1', libraries: 'usr/lib/aarch64-linux-gnu' },
}

/**
 * The argument list that runs a program of the engine root as an ordinary process of the host, with the host's files
 * and the caller's rights, for what a sandbox cannot do: `ip` and `tc` (network namespaces and links, as root). A host
 * need not have these. Only for compiled programs; one that looks for files of its own in /usr finds the host's.
 */
export function unsandboxedCommand(
  root: string,
  program: string,
  args: readonly string[],
  arch: string = process.arch,
): [file: string, ...args: string[]] {
  const layout = LAYOUT[arch]
  if (!layout) throw new RangeError(`no engine root for processor ${arch}`)
  const folder = program === 'ip' || program === 'tc' ? 'usr/sbin' : 'usr/bin'
  return [
    join(root, layout.loader),
    '--library-path',
    join(root, layout.libraries),
    join(root, folder, program),
    ...args,
  ]
}

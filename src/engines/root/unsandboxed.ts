import { join } from 'node:path'

/** Dynamic loader and library folder of the engine root, by Node's name of the processor architecture. */
const LAYOUT: Record<string, { loader: string; libraries: string }> = {
  x64: { loader: 'usr/lib64/ld-linux-x86-64.so.2', libraries: 'usr/lib/x86_64-linux-gnu' },
  arm64: { loader: 'usr/lib/ld-linux-aarch64.so.1', libraries: 'usr/lib/aarch64-linux-gnu' },
}

/**
 * The command line that runs a program of the engine root as an ordinary process of the host, with the host's files and
 * the caller's rights. Used for what a sandbox cannot do: `ip` and `tc` as root (network namespaces and links), which
 * the host need not have. Only for compiled programs; one that reads files in /usr finds the host's.
 */
export function unsandboxedCommand(
  root: string,
  program: string,
  args: readonly string[],
  arch: string = process.arch,
): [file: string, ...args: string[]] {
  const layout = LAYOUT[arch]
  if (!layout) throw new RangeError(`there is no engine root for the architecture ${arch}`)
  const folder = program === 'ip' || program === 'tc' ? 'usr/sbin' : 'usr/bin'
  return [
    join(root, layout.loader),
    '--library-path',
    join(root, layout.libraries),
    join(root, folder, program),
    ...args,
  ]
}

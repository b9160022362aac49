import { SetupFailure } from './failure.mjs'
import { atLeast, upstream } from './versions.mjs'

/** Commands and checks that define the contents of the engine root. Pure. */

/**
 * The command that prints the root as a tar archive.
 *
 * @param {{ engines: import('./paths.mjs').EngineRequirements, mode: 'root' | 'unshare', sources: string[], fetch: string[] }} options
 */
export function mmdebstrap({ engines, mode, sources, fetch }) {
  return [
    'mmdebstrap',
    `--mode=${mode}`,
    '--variant=minbase',
    '--format=tar',
    `--include=${engines.packages.join(',')}`,
    ...['APT::Install-Recommends "false"', 'Acquire::Languages "none"', ...fetch].map(
      (line) => `--aptopt=${line}`,
    ),
    ...engines.leaveOut.map((path) => `--dpkgopt=path-exclude=${path}`),
    // Keep licences.
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    engines.suite,
    '-',
    ...sources,
  ]
}

/** @param {string} status dpkg's status file @returns {Record<string, string>} name -> Debian version */
export function installedPackages(status) {
  /** @type {Record<string, string>} */
  const packages = {}
  for (const stanza of status.split('\n\n')) {
    const name = /^Package: (.+)$/m.exec(stanza)?.[1]
    const version = /^Version: (.+)$/m.exec(stanza)?.[1]
    if (name && version && /^Status: install ok installed$/m.test(stanza)) packages[name] = version
  }
  return packages
}

/**
 * Refuses engines older than those that the guarantees were tested with. Patroni before 4.0 loses acknowledged writes.
 *
 * @param {Record<string, string>} packages @param {Record<string, string>} minimum
 */
export function checkVersions(packages, minimum) {
  const wrong = Object.entries(minimum).flatMap(([name, needed]) => {
    const found = packages[name]
    if (!found) return [`${name}: not installed`]
    return atLeast(upstream(found), needed)
      ? []
      : [`${name}: expected ${needed} or newer, found ${upstream(found)}`]
  })
  if (wrong.length === 0) return
  throw new SetupFailure(
    ['the guarantees were not tested with these engines:', ...wrong.map((line) => `    ${line}`)].join('\n'),
    'The Debian mirror of this machine is outdated or incomplete. Configure another one in apt, then run the same command again.',
  )
}

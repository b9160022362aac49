import { SetupFailure } from './failure.mjs'
import { atLeast, upstream } from './versions.mjs'

/** What goes into the engine root, as commands and checks. Pure. */

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
    // Licences stay with what they license.
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
 * Refuses engines that are older than the ones the guarantees were tested with. Patroni before 4.0 is the one that
 * loses acknowledged writes.
 *
 * @param {Record<string, string>} packages @param {Record<string, string>} minimum
 */
export function checkVersions(packages, minimum) {
  const wrong = Object.entries(minimum).flatMap(([name, needed]) => {
    const found = packages[name]
    if (!found) return [`${name} is missing`]
    return atLeast(upstream(found), needed)
      ? []
      : [`${name} is ${upstream(found)}; ${needed} or newer is needed`]
  })
  if (wrong.length === 0) return
  throw new SetupFailure(
    [
      'these are not the engines that the guarantees were tested with:',
      ...wrong.map((line) => `    ${line}`),
    ].join('\n'),
    "This machine's Debian mirror is out of date or incomplete. Point apt at another one, then type the same command again.",
  )
}

/**
 * The host's apt settings for mmdebstrap: on a Debian host, the engine root comes from the same mirror through the same
 * proxy. Pure: takes the output of `apt-get indextargets` and `apt-config dump`.
 */

/**
 * @param {string} indexTargets @param {string} osId the ID of /etc/os-release @param {string} suite
 * @returns {string[]} lines for sources.list; empty for mmdebstrap's defaults
 */
export function debianSources(indexTargets, osId, suite) {
  if (osId !== 'debian') return []
  const targets = indexTargets.split(/\n\s*\n/).map(fields)
  const uriOf = (/** @type {(release: string) => boolean} */ wanted, /** @type {string} */ folder) =>
    targets.find((target) => {
      const { 'Created-By': kind, Component: component, Release: release = '', 'Repo-URI': uri = '' } = target
      // Without downloaded lists, apt does not know the origin; then rely on the archive's usual folder.
      const isDebian = target.Origin ? target.Origin === 'Debian' : uri.replace(/\/$/, '').endsWith(folder)
      return (
        kind === 'Packages' &&
        component === 'main' &&
        isDebian &&
        wanted(release) &&
        !uri.startsWith('cdrom:')
      )
    })?.['Repo-URI']
  const main = uriOf((release) => !/[-/]/.test(release), '/debian')
  const security = uriOf((release) => release.endsWith('-security'), '/debian-security')
  if (!main) return []
  return [
    `deb ${main} ${suite} main`,
    `deb ${main} ${suite}-updates main`,
    ...(security ? [`deb ${security} ${suite}-security main`] : []),
  ]
}

/** @param {string} stanza */
function fields(stanza) {
  /** @type {Record<string, string>} */
  const found = {}
  for (const line of stanza.split('\n')) {
    const at = line.indexOf(': ')
    if (at > 0) found[line.slice(0, at)] = line.slice(at + 2).trim()
  }
  return found
}

/**
 * The host's apt settings for reaching mirrors (proxies, certificates, retries), in apt's syntax.
 *
 * @param {string} configDump @returns {string[]}
 */
export function fetchOptions(configDump) {
  return configDump
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => /^Acquire::(https?::|Retries|ForceIPv[46])/i.test(line) && !/^\S+ "";$/.test(line))
}

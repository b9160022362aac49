/** The oldest Node lines that run TypeScript as it is, without a flag: 22.18 and 23.6, and everything from 24 on. */

/** @param {string} version such as 22.18.0 @param {string} minimum of the line before 23 */
export function nodeSuffices(version, minimum) {
  const major = Number(version.split('.')[0])
  return major === 23 ? atLeast(version, '23.6.0') : atLeast(version, minimum)
}

/** `5:8.0.2-3+deb13u3` is version 8.0.2, packaged: the epoch and the revision are Debian's. @param {string} version */
export function upstream(version) {
  return version.replace(/^\d+:/, '').replace(/-[^-]*$/, '')
}

/** Compares by the leading numbers, which is how the engines here count. @param {string} version @param {string} minimum */
export function atLeast(version, minimum) {
  const have = numbers(version)
  const need = numbers(minimum)
  for (let i = 0; i < need.length; i++) {
    const difference = (have[i] ?? 0) - /** @type {number} */ (need[i])
    if (difference !== 0) return difference > 0
  }
  return true
}

/** @param {string} version */
function numbers(version) {
  return (/^\d+(\.\d+)*/.exec(version)?.[0] ?? '0').split('.').map(Number)
}

/** Node runs TypeScript without a flag since 22.18 and 23.6, and in all versions from 24. */

/** @param {string} version such as 22.18.0 @param {string} minimum of the line before 23 */
export function nodeSuffices(version, minimum) {
  const major = Number(version.split('.')[0])
  return major === 23 ? atLeast(version, '23.6.0') : atLeast(version, minimum)
}

/** `5:8.0.2-3+deb13u3` is version 8.0.2; epoch and revision are Debian's. @param {string} version */
export function upstream(version) {
  return version.replace(/^\d+:/, '').replace(/-[^-]*$/, '')
}

/** Compares leading numbers, which suffices for the engines. @param {string} version @param {string} minimum */
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

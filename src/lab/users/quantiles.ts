/** The smallest value that at least the share `q` of the values does not exceed (nearest rank). 0 without values. */
export function quantile(
  sorted: { readonly length: number; readonly [index: number]: number },
  q: number,
): number {
  if (sorted.length === 0) return 0
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))]!
}

/** Number of sorted values that are at most `limit`. */
export function countUpTo(
  sorted: { readonly length: number; readonly [index: number]: number },
  limit: number,
): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (sorted[middle]! <= limit) low = middle + 1
    else high = middle
  }
  return low
}

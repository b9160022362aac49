/** For an even number of values, the mean of the middle two. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('expected at least one value')
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

export const spreadOf = (values: readonly number[]): [lowest: number, highest: number] => [
  Math.min(...values),
  Math.max(...values),
]

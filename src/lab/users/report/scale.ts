/** Scales from values to coordinates, and round values for axes. Pure. */

type Scale = (value: number) => number

export const linear =
  ([low, high]: readonly [number, number], [from, to]: readonly [number, number]): Scale =>
  (value) =>
    from + ((value - low) / (high - low || 1)) * (to - from)

/** Round values from 0 to the largest, about `count` of them. */
export function ticks(largest: number, count = 6): number[] {
  const rough = largest / count
  const power = 10 ** Math.floor(Math.log10(rough || 1))
  const step = [1, 2, 2.5, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? power
  return Array.from({ length: Math.floor(largest / step + 1e-9) + 1 }, (_, i) => i * step)
}

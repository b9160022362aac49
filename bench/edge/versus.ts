import type { Figure } from '../figure.ts'
import { median, spreadOf } from '../statistics.ts'

/** Measurements of both in the same rounds. */
export type Rounds<T> = { ours: T[]; nginx: T[] }

/** Medians, and the median of the rounds' ratios. */
export function versusNginx<T>(
  { ours, nginx }: Rounds<T>,
  of: (measurement: T) => number,
): Required<Pick<Figure, 'value' | 'peer'>> {
  const ratios = ours.map((measurement, round) => of(measurement) / of(nginx[round]!))
  return {
    value: median(ours.map(of)),
    peer: {
      name: 'nginx',
      value: median(nginx.map(of)),
      ratio: median(ratios),
      ratioSpread: spreadOf(ratios),
    },
  }
}

/** Measures both `runs` times, alternating: the later one finds a warmer machine. */
export async function alternate<T>(
  runs: number,
  measure: (name: keyof Rounds<T>, run: number) => Promise<T>,
): Promise<Rounds<T>> {
  const rounds: Rounds<T> = { ours: [], nginx: [] }
  for (let run = 0; run < runs; run += 1)
    for (const name of run % 2 === 0 ? (['ours', 'nginx'] as const) : (['nginx', 'ours'] as const))
      rounds[name].push(await measure(name, run))
  return rounds
}

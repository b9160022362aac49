import type { DrillPlan, Ground, Step } from './plan.ts'
import { roundOf, type ScheduleOptions, stepsOf } from './schedule.ts'
import type { DrillResult } from './types.ts'

/**
 * A soak is a sequence of chapters. Each is a drill of several rounds with its own load and evaluation, so a failure
 * shows within minutes and one chapter can be repeated without those before it. Pure.
 */
type ChapterOptions = ScheduleOptions & {
  world: string
  roundsPerChapter: number
  settleLimitMs: number
}

export function chapterPlan(chapter: number, options: ChapterOptions): DrillPlan {
  const { roundsPerChapter, seed, ground } = options
  const numbers = Array.from({ length: roundsPerChapter }, (_, i) => chapter * roundsPerChapter + i)
  const steps = numbers.flatMap((number): Step[] => stepsOf(roundOf(number, options), options.settleLimitMs))
  return {
    scenario: `soak chapter ${chapter}`,
    world: options.world,
    ground,
    about: `rounds ${numbers[0]} to ${numbers.at(-1)} of seed ${seed}`,
    baselineMs: 3000,
    steps,
    afterMs: 3000,
    expects: ['every guarantee holds, and the world settles after each round'],
  }
}

/** Beyond its guarantees, a world may lose acknowledged writes but must still recover. */
export const hasFailed = (
  { ok, settled, final }: Pick<DrillResult, 'ok' | 'settled' | 'final'>,
  beyond: boolean,
): boolean => (beyond ? !settled || final.absent.length > 0 : !ok)

type Replay = {
  seed: number
  chapter: number
  ground: Ground
  beyond: boolean
  appFaults: boolean
  roundsPerChapter: number
}

/** The command that repeats one chapter, with the same load and faults. Their exact timing depends on the machine. */
export function replayCommand({ seed, chapter, ground, beyond, roundsPerChapter }: Replay): string {
  const lab = ground === 'lab' ? ' --lab' : ''
  return `npm run soak -- --seed ${seed} --chapter ${chapter} --rounds ${roundsPerChapter}${lab}${beyond ? ' --beyond' : ''}`
}

import type { Guarantee } from '../../src/lab/checker/types.ts'
import { verdictOf } from '../../src/lab/checker/verdict.ts'

export const isBroken = (guarantees: readonly Guarantee[]): boolean =>
  guarantees.some((one) => verdictOf(one) === 'broken')

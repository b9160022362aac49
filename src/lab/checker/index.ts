export { check, promisesOf } from './check.ts'
export { checkFile } from './check-file.ts'
export type {
  Guarantee,
  GuaranteeId,
  Promises,
  Violation,
} from './types.ts'
export { verdictLines, verdictOf } from './verdict.ts'

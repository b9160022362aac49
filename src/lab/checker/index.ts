export { check, promisesOf } from './check.ts'
export { checkFile } from './check-file.ts'
export {
  type Guarantee,
  type GuaranteeId,
  guaranteeIds,
  type Promises,
  type Violation,
} from './types.ts'
export { isBroken, type Verdict, verdictLines, verdictOf } from './verdict.ts'

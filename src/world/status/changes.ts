import type { WorldStatus } from './types.ts'

/** Log lines for the difference of two samples: new problems, resolved ones, a new primary. Pure. */
export function changesIn(before: WorldStatus, after: WorldStatus): string[] {
  // Numbers in a message change all the time, so they are not compared.
  const key = ({ code, message }: WorldStatus['problems'][number]) =>
    `${code} ${message.replace(/[\d.,]+/g, '')}`
  const was = new Map(before.problems.map((problem) => [key(problem), problem]))
  const is = new Map(after.problems.map((problem) => [key(problem), problem]))
  const moved =
    after.primary !== undefined && before.primary !== after.primary
      ? [`primary: ${after.primary}${before.primary ? ` (was ${before.primary})` : ''}`]
      : []
  return [
    ...moved,
    ...[...is].filter(([one]) => !was.has(one)).map(([, { message }]) => message),
    ...[...was].filter(([one]) => !is.has(one)).map(([, { message }]) => `resolved: ${message}`),
  ]
}

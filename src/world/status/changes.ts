import type { WorldStatus } from './types.ts'

/** What a log should tell of two samples: what went wrong, what is healthy again, where the primary went. Pure. */
export function changesIn(before: WorldStatus, after: WorldStatus): string[] {
  // Numbers in a message change all the time; what it says does not.
  const key = ({ code, message }: WorldStatus['problems'][number]) =>
    `${code} ${message.replace(/[\d.]+/g, '')}`
  const was = new Map(before.problems.map((problem) => [key(problem), problem]))
  const is = new Map(after.problems.map((problem) => [key(problem), problem]))
  const moved =
    after.primary !== undefined && before.primary !== after.primary
      ? [`primary: ${after.primary}${before.primary ? `, before ${before.primary}` : ''}`]
      : []
  return [
    ...moved,
    ...[...is].filter(([one]) => !was.has(one)).map(([, { message }]) => message),
    ...[...was].filter(([one]) => !is.has(one)).map(([, { message }]) => `no more: ${message}`),
  ]
}

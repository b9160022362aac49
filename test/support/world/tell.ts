import type { TestContext } from 'node:test'
import { type Attempt, type Fault, summarize, underWayAt } from './history.ts'

/** What users met, for people to read; nothing of it is held against a clock. */
export function tell(t: TestContext, attempts: readonly Attempt[], fault: Fault): void {
  const { failures, ...figures } = summarize(attempts, fault.fromMs)
  t.diagnostic(`${underWayAt(attempts, fault).length} under way; ${JSON.stringify(figures)}`)
  for (const [what, times] of Object.entries(failures)) t.diagnostic(`${what}: ${times}`)
}

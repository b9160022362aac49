import type { TestContext } from 'node:test'
import { type Attempt, type Fault, summarize, underWayAt } from './history.ts'

/** Prints the outcomes of requests for information; no test asserts these times. */
export function tell(t: TestContext, attempts: readonly Attempt[], fault: Fault): void {
  const { failures, ...figures } = summarize(attempts, fault.fromMs)
  t.diagnostic(`${underWayAt(attempts, fault).length} in flight; ${JSON.stringify(figures)}`)
  for (const [what, times] of Object.entries(failures)) t.diagnostic(`${what}: ${times}`)
}

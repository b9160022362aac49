/** Outcome of a release. `region` ran it; `logFile` is the log of its command on that region's machine. */
export type ReleaseOutcome = { kind: 'ok' } | { kind: 'failed'; why: string; region: string; logFile: string }

/** State of the release of one run of the world. */
export type ReleaseState = { kind: 'running'; region: string } | ReleaseOutcome

type FailedRelease = Extract<ReleaseState, { kind: 'failed' }>

export const isFailed = (state: ReleaseState | undefined): state is FailedRelease => state?.kind === 'failed'

/** Describes the state for the operator, to follow "app.release". */
export function describeRelease(state: ReleaseState): string {
  if (state.kind === 'running') return `running in ${state.region}`
  return state.kind === 'ok' ? 'ok' : `failed: ${state.why}, see ${state.logFile}`
}

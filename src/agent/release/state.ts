/** Outcome of a release. `region` ran it; `logFile` is the log of its command on that region's machine. */
export type ReleaseOutcome = { kind: 'ok' } | { kind: 'failed'; why: string; region: string; logFile: string }

/** State of the release of one run of the world. In etcd it is JSON. */
export type ReleaseState = { kind: 'running'; region: string } | ReleaseOutcome

type FailedRelease = Extract<ReleaseState, { kind: 'failed' }>

export const isFailed = (state: ReleaseState | undefined): state is FailedRelease => state?.kind === 'failed'

/** The value in etcd. Equal states give equal texts, so a transaction can compare them. */
export const encodeRelease = (state: ReleaseState): string => JSON.stringify(state)

const kinds: readonly unknown[] = ['running', 'ok', 'failed'] satisfies ReleaseState['kind'][]

/** Undefined for anything else, so that a value of another version does not keep an agent from reading the rest. */
export function decodeRelease(text: string): ReleaseState | undefined {
  try {
    const state = JSON.parse(text) as ReleaseState | null
    return kinds.includes(state?.kind) ? state! : undefined
  } catch {
    return undefined
  }
}

/** Describes the state for the operator, to follow "app.release". */
export function describeRelease(state: ReleaseState): string {
  if (state.kind === 'running') return `running in ${state.region}`
  return state.kind === 'ok' ? 'ok' : `failed: ${state.why}, see ${state.logFile}`
}

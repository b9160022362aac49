/** How a release ended. `region` ran it; `logFile` is the log of its command, on that region's machine. */
export type ReleaseOutcome = { kind: 'ok' } | { kind: 'failed'; why: string; region: string; logFile: string }

/** The release of one run of the world, as all agents know it from etcd, where it stands as JSON. */
export type ReleaseState = { kind: 'running'; region: string } | ReleaseOutcome

type FailedRelease = Extract<ReleaseState, { kind: 'failed' }>

export const isFailed = (state: ReleaseState | undefined): state is FailedRelease => state?.kind === 'failed'

/** What stands in etcd. The same state is the same text, so that a transaction can compare it. */
export const encodeRelease = (state: ReleaseState): string => JSON.stringify(state)

const kinds: readonly unknown[] = ['running', 'ok', 'failed'] satisfies ReleaseState['kind'][]

/** Undefined for what is no release state: one that another version wrote must not keep an agent from the rest. */
export function decodeRelease(text: string): ReleaseState | undefined {
  try {
    const state = JSON.parse(text) as ReleaseState | null
    return kinds.includes(state?.kind) ? state! : undefined
  } catch {
    return undefined
  }
}

/** After "app.release". */
export function describeRelease(state: ReleaseState): string {
  if (state.kind === 'running') return `running in ${state.region}`
  return state.kind === 'ok' ? 'ok' : `failed: ${state.why}, see ${state.logFile}`
}

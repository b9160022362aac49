import { describeMs } from '../../lib/format.ts'

/** How one run of a process ended, or why it did not begin. */
export type RunEnd =
  | { kind: 'exited before it was ready' }
  | { kind: 'exited' }
  /** `tried`: the last check and its result. */
  | { kind: 'not ready in time'; afterMs: number; tried?: string }
  | { kind: 'not started'; message: string }

/** A sentence without the process's name, for the operator. */
export function describeEnd(end: RunEnd): string {
  switch (end.kind) {
    case 'exited before it was ready':
      return 'it exited before it was ready'
    case 'exited':
      return 'it exited'
    case 'not ready in time':
      return `it was not ready after ${describeMs(end.afterMs)}${tried(end)}`
    case 'not started':
      return end.message
  }
}

/** Describes many failures in a row, to follow the process's name. `alike`: all ended like the last one. */
export function describeFailures(end: RunEnd, times: number, alike: boolean, pauseMs: number): string {
  const retry = pauseMs === 60_000 ? 'retrying once a minute' : `retrying every ${describeMs(pauseMs)}`
  return `${failures(end, `${times} times in a row`, alike)}; ${retry}`
}

function failures(end: RunEnd, often: string, alike: boolean): string {
  if (!alike) return `failed ${often}, most recently because ${describeEnd(end)}`
  switch (end.kind) {
    case 'exited before it was ready':
      return `exited ${often} before it was ready`
    case 'exited':
      return `exited ${often}`
    case 'not ready in time':
      return `was not ready after ${describeMs(end.afterMs)}, ${often}${tried(end)}`
    case 'not started':
      return `could not be started ${often}: ${end.message}`
  }
}

const tried = (end: Extract<RunEnd, { kind: 'not ready in time' }>) => (end.tried ? `: ${end.tried}` : '')

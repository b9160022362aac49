import type { ProcessStatus } from '../agent/supervision/supervised-process.ts'
import { count, duration } from '../lib/format.ts'
import type { ShownProcess } from './status/types.ts'

type Shown = Pick<ShownProcess, 'state' | 'why' | 'restarts' | 'failures' | 'retryInSeconds' | 'lastEnd'>

/** Describes a process that is not ready, to follow its name. Pure. */
export function describeTrouble(process: Shown): string {
  const { state, why, restarts } = process
  const reason = why === undefined ? '' : `: ${why}`
  const often = restarts ? ` (${count(restarts, 'restart')})` : ''
  switch (state) {
    // `why` has the number of failures and the pause.
    case 'gaveUp':
      return why ?? 'failed many times in a row; retrying once a minute'
    case 'backoff':
      return backoffWords(process, often)
    case 'failing':
      return `does not answer${reason}${often}`
    case 'outdated':
      return `serves with its old files${reason}${often}`
    case 'waiting':
      return `is waiting${why === undefined ? '' : ` ${why}`}${often}`
    case 'gone':
      return 'has exited'
    case 'ready':
    case 'running':
      return `is ${state}`
    case 'starting':
    case 'stopping':
    case 'stopped':
      return `is ${state}${why === undefined ? '' : ` (${why})`}${often}`
  }
}

function backoffWords({ why, failures = 0, retryInSeconds, lastEnd }: Shown, often: string): string {
  const retry =
    retryInSeconds === undefined
      ? ''
      : retryInSeconds < 1
        ? '; retrying'
        : `; retrying in ${duration(retryInSeconds)}`
  if (failures > 1 && lastEnd === 'exited before it was ready')
    return `keeps crashing on start${often}${retry}`
  return `is restarting${why === undefined ? '' : `: ${why}`}${often}${retry}`
}

/** Failed starts in a row after which the cause is most likely the app itself, and not what it depends on. */
const crashesUntilBroken = 3

/**
 * Whether a command should stop waiting for the process: its agent pauses for a minute between starts, or it is an app
 * that keeps crashing on start or was not ready within `app.startSeconds`. The agent still retries. Pure.
 */
export const isBroken = ({ engine, state, failures = 0, lastEnd }: ProcessStatus): boolean =>
  state === 'gaveUp' ||
  (engine === 'app' &&
    state === 'backoff' &&
    failures >= (lastEnd === 'not ready in time' ? 1 : crashesUntilBroken))

/** Describes a process for which `isBroken` holds, to follow its name. Pure. */
export const brokenWords = ({ state, why, failures = 0, lastEnd }: ProcessStatus): string =>
  state === 'gaveUp'
    ? (why ?? 'keeps failing')
    : lastEnd === 'exited before it was ready'
      ? `exited ${failures} times in a row before it was ready`
      : `keeps failing: ${why ?? 'it is not ready'}`

/**
 * As the API and `nearside status` show it. `failing`: alive and once ready, but no longer answering; not restarted.
 * `outdated`: ready, with its former files, because it refused the new ones.
 */
export type ProcessState =
  | 'waiting'
  | 'starting'
  | 'ready'
  | 'failing'
  | 'outdated'
  | 'backoff'
  | 'gaveUp'
  | 'stopping'
  | 'stopped'

/** `replacing`: an earlier agent’s process is being ended because its plan has changed. Shown as `stopping`. */
export type State = ProcessState | 'replacing'

export const initialState: State = 'waiting'

/** What can happen to a process. The operator causes `stop` and `restart`; the supervisor notices everything else. */
export type Event =
  /** It may not start yet: a process that it needs, or its start condition, is missing. */
  | 'hold'
  /** Nothing holds it back: it is being launched. */
  | 'start'
  /** An earlier agent’s process was found, started from the same plan; its files may have changed since. */
  | 'adopt'
  /** An earlier agent’s process was found, started from another plan. */
  | 'replace'
  /** Its readiness check passed. */
  | 'answer'
  /** Its readiness check passed, and it has refused the files that the plan has for it now. */
  | 'refuse'
  /** It was ready, and its check has failed several times in a row. */
  | 'silence'
  /** It ended, did not become ready in time, or could not be launched. */
  | 'fail'
  /** The same, once too often in a row. */
  | 'exhaust'
  | 'stop'
  /** Its process has ended after a `stop`. */
  | 'gone'
  | 'restart'

/** `ignored`: the event changes nothing in this state, and what would go with it must not be done. */
type Next = State | 'ignored'

/**
 * The life of a supervised process. Only an operator’s `restart` leads out of `stopped`, and nothing but `gone` out of
 * `stopping`. `gaveUp` is a long pause: `start` or `hold` end it as they end `backoff`.
 */
export const transitions: Readonly<Record<State, Readonly<Record<Event, Next>>>> = {
  waiting: {
    hold: 'waiting',
    start: 'starting',
    adopt: 'starting',
    replace: 'replacing',
    answer: 'ignored',
    refuse: 'ignored',
    silence: 'ignored',
    fail: 'backoff',
    exhaust: 'gaveUp',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'ignored',
  },
  replacing: {
    hold: 'waiting',
    start: 'starting',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ignored',
    refuse: 'ignored',
    silence: 'ignored',
    fail: 'ignored',
    exhaust: 'ignored',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'stopping',
  },
  starting: {
    hold: 'ignored',
    start: 'ignored',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ready',
    refuse: 'outdated',
    silence: 'ignored',
    fail: 'backoff',
    exhaust: 'gaveUp',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'stopping',
  },
  ready: {
    hold: 'ignored',
    start: 'ignored',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ready',
    refuse: 'outdated',
    silence: 'failing',
    fail: 'backoff',
    exhaust: 'gaveUp',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'stopping',
  },
  failing: {
    hold: 'ignored',
    start: 'ignored',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ready',
    refuse: 'outdated',
    silence: 'failing',
    fail: 'backoff',
    exhaust: 'gaveUp',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'stopping',
  },
  outdated: {
    hold: 'ignored',
    start: 'ignored',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ignored',
    refuse: 'outdated',
    silence: 'failing',
    fail: 'backoff',
    exhaust: 'gaveUp',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'stopping',
  },
  backoff: {
    hold: 'waiting',
    start: 'starting',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ignored',
    refuse: 'ignored',
    silence: 'ignored',
    fail: 'ignored',
    exhaust: 'ignored',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'stopping',
  },
  gaveUp: {
    hold: 'waiting',
    start: 'starting',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ignored',
    refuse: 'ignored',
    silence: 'ignored',
    fail: 'ignored',
    exhaust: 'ignored',
    stop: 'stopping',
    gone: 'ignored',
    restart: 'stopping',
  },
  stopping: {
    hold: 'ignored',
    start: 'ignored',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ignored',
    refuse: 'ignored',
    silence: 'ignored',
    fail: 'ignored',
    exhaust: 'ignored',
    stop: 'stopping',
    gone: 'stopped',
    restart: 'stopping',
  },
  stopped: {
    hold: 'ignored',
    start: 'ignored',
    adopt: 'ignored',
    replace: 'ignored',
    answer: 'ignored',
    refuse: 'ignored',
    silence: 'ignored',
    fail: 'ignored',
    exhaust: 'ignored',
    stop: 'ignored',
    gone: 'ignored',
    restart: 'waiting',
  },
}

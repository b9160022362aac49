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

/** `replacing`: an earlier agent’s process is being stopped because its plan has changed. Shown as `stopping`. */
export type State = ProcessState | 'replacing'

export const initialState: State = 'waiting'

/** Events in the life of a process. The operator causes `stop` and `restart`, the supervisor all others. */
export type Event =
  /** It cannot start yet: a process that it needs is not ready, or its start condition is not met. */
  | 'hold'
  /** It is being launched. */
  | 'start'
  /** An earlier agent’s process was found, started from the same plan; its files may have changed since. */
  | 'adopt'
  /** An earlier agent’s process was found, started from another plan. */
  | 'replace'
  /** Its readiness check passed. */
  | 'answer'
  /** Its readiness check passed, but it has refused its current files. */
  | 'refuse'
  /** It was ready, and its check has failed several times in a row. */
  | 'unresponsive'
  /** It exited, did not become ready in time, or could not be launched. */
  | 'fail'
  /** The same, too many times in a row. */
  | 'exhaust'
  | 'stop'
  /** It has exited after a `stop`. */
  | 'gone'
  | 'restart'

/** `ignored`: the event changes nothing in this state, and the caller must not carry it out. */
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
    unresponsive: 'ignored',
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
    unresponsive: 'ignored',
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
    unresponsive: 'ignored',
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
    unresponsive: 'failing',
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
    unresponsive: 'failing',
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
    unresponsive: 'failing',
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
    unresponsive: 'ignored',
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
    unresponsive: 'ignored',
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
    unresponsive: 'ignored',
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
    unresponsive: 'ignored',
    fail: 'ignored',
    exhaust: 'ignored',
    stop: 'ignored',
    gone: 'ignored',
    restart: 'waiting',
  },
}

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Event,
  initialState,
  type State,
  transitions,
} from '../../../src/agent/supervision/transitions.ts'

/** A row per state, a column per event; `-` is ignored. */
const expected = `
            hold     start     adopt     replace    answer  refuse    unresponsive  fail     exhaust  stop      gone     restart
waiting     waiting  starting  starting  replacing  -       -         -             backoff  gaveUp   stopping  -        -
replacing   waiting  starting  -         -          -       -         -             -        -        stopping  -        stopping
starting    -        -         -         -          ready   outdated  -             backoff  gaveUp   stopping  -        stopping
ready       -        -         -         -          ready   outdated  failing       backoff  gaveUp   stopping  -        stopping
failing     -        -         -         -          ready   outdated  failing       backoff  gaveUp   stopping  -        stopping
outdated    -        -         -         -          -       outdated  failing       backoff  gaveUp   stopping  -        stopping
backoff     waiting  starting  -         -          -       -         -             -        -        stopping  -        stopping
gaveUp      waiting  starting  -         -          -       -         -             -        -        stopping  -        stopping
stopping    -        -         -         -          -       -         -             -        -        stopping  stopped  stopping
stopped     -        -         -         -          -       -         -             -        -        -         -        waiting
`

const states = Object.keys(transitions) as State[]
const events = Object.keys(transitions[initialState]) as Event[]
const operator: readonly Event[] = ['stop', 'restart']

const after = (state: State, event: Event): State => {
  const next = transitions[state][event]
  return next === 'ignored' ? state : next
}

/** Every state that these events can lead to, the first one included. */
function reachable(from: State, by: readonly Event[]): Set<State> {
  const found = new Set([from])
  for (const state of found) for (const event of by) found.add(after(state, event))
  return found
}

/** Events that lead from one state into another. */
const waysOut = (state: State) => events.filter((event) => after(state, event) !== state)
const waysInto = (state: State) =>
  states.flatMap((from) => events.filter((event) => from !== state && after(from, event) === state))

describe('the transitions of a supervised process', () => {
  const [head, ...rows] = expected
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))

  test('cover every state and every event', () => {
    assert.deepEqual(new Set(head), new Set(events))
    assert.deepEqual(new Set(rows.map(([state]) => state)), new Set(states))
    for (const state of states) assert.deepEqual(Object.keys(transitions[state]), events, state)
  })

  for (const [state, ...cells] of rows)
    test(`from ${state}`, () => {
      const wanted = Object.fromEntries(
        head!.map((event, i) => [event, cells[i] === '-' ? 'ignored' : cells[i]]),
      )
      assert.deepEqual(transitions[state as State], wanted)
    })

  test('a process that the operator stopped never starts by itself', () => {
    const byItself = events.filter((event) => event !== 'restart')
    assert.deepEqual(reachable('stopping', byItself), new Set(['stopping', 'stopped']))
    assert.deepEqual(waysOut('stopped'), ['restart'])
  })

  test('every state but stopped can be stopped, and stopping leads to stopped only', () => {
    for (const state of states)
      assert.equal(after(state, 'stop'), state === 'stopped' ? 'stopped' : 'stopping')
    assert.deepEqual(waysOut('stopping'), ['gone'])
  })

  test('a process that was given up leaves that state after its pause or by the operator, like any pause', () => {
    assert.deepEqual(waysOut('gaveUp'), ['hold', 'start', 'stop', 'restart'])
    assert.deepEqual(transitions.gaveUp, transitions.backoff)
  })

  test('only an answer makes a process ready, and only a running one', () => {
    assert.deepEqual(new Set(waysInto('ready')), new Set(['answer']))
    for (const state of states)
      assert.equal(
        after(state, 'answer') === 'ready',
        ['starting', 'ready', 'failing'].includes(state),
        state,
      )
  })

  test('a running process is never started a second time', () => {
    for (const state of ['starting', 'ready', 'failing', 'outdated', 'stopping'] as const)
      for (const event of ['start', 'adopt'] as const)
        assert.equal(transitions[state][event], 'ignored', state)
  })

  test('a failing process is shown and not restarted', () => {
    assert.deepEqual(waysOut('failing'), ['answer', 'refuse', 'fail', 'exhaust', 'stop', 'restart'])
  })

  test('a process with outdated files is shown and not restarted, and no answer clears that', () => {
    assert.deepEqual(waysOut('outdated'), ['unresponsive', 'fail', 'exhaust', 'stop', 'restart'])
  })

  test('a restart by the operator does not skip the wait for others', () => {
    assert.equal(transitions.waiting.restart, 'ignored')
  })

  test('every state is reachable, and all but stopping and stopped without the operator', () => {
    assert.deepEqual(reachable(initialState, events), new Set(states))
    const byItself = events.filter((event) => !operator.includes(event))
    const missing = states.filter((state) => !reachable(initialState, byItself).has(state))
    assert.deepEqual(missing, ['stopping', 'stopped'])
  })
})

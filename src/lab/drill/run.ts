import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { describeMs } from '../../lib/format.ts'
import { clockMs, type FinalState, isWrite, mergeFinals, newHeader, Recorder } from '../history.ts'
import type { UsersResult } from '../users/result.ts'
import type { Workload } from '../workloads/types.ts'
import { ActiveFaults } from './active-faults.ts'
import { evaluate } from './evaluate.ts'
import { watchEventLoopLag } from './event-loop-lag.ts'
import type { DrillPlan } from './plan.ts'
import { untilEdgesWrite } from './recovery.ts'
import { unsettled } from './sample.ts'
import { runSteps } from './steps.ts'
import type { DrillOptions, DrillResult, DrillWorld } from './types.ts'
import { isSettledNow, type Watch, watchWorld } from './watch.ts'

const settledBeforeMs = 60_000
/** A baseline with fewer acknowledged writes has nothing to compare with. */
const leastBaselineWrites = 10
const longestBaselineMs = 30_000
const cleanUpMs = 15_000
/** Longer than a healthy world holds a write. */
const defaultRecoveryMs = 30_000

/**
 * Runs a planned drill. However it ends, it heals every fault that it injected and removes the data of the load. An
 * aborted signal ends it with the signal's reason.
 */
export async function runDrill(
  plan: DrillPlan,
  world: DrillWorld,
  options: DrillOptions,
): Promise<DrillResult> {
  const { signal, say, seed, recoveryMs = defaultRecoveryMs } = options
  const recorder = new Recorder(newHeader(world.name, seed))
  const watch = watchWorld(world)
  const load = new AbortController()
  const eventLoopLag = watchEventLoopLag()
  const faults = new ActiveFaults(world, recorder, say)
  let running: Promise<unknown> = Promise.resolve()
  let users: Promise<UsersResult | undefined> = Promise.resolve(undefined)
  let begun = false
  try {
    await settledBefore(world, watch, signal)
    begun = true
    for (const workload of world.workloads) {
      signal.throwIfAborted()
      await workload.prepare()
    }
    running = Promise.all(world.workloads.map((one) => one.run(load.signal, recorder.record)))
    // Awaited later; a rejection must not end the process until then.
    running.catch(() => undefined)
    if (world.users) users = (await startUsers(world.users, load.signal, signal)).result
    const names = [...world.workloads.map(({ name }) => name), ...(world.users ? ['users'] : [])]
    say(`Baseline load for ${describeMs(plan.baselineMs)}: ${names.join(' and ')}`)
    await baseline(recorder, plan.baselineMs, signal)

    const faultMs = clockMs()
    const worldSettled = await runSteps(plan, { world, watch, recorder, faults, signal, say })
    const healedMs = clockMs()
    say(`Load after healing for ${describeMs(plan.afterMs)}`)
    await sleep(plan.afterMs, undefined, { signal })
    const unrecovered = await untilEdgesWrite(
      recorder.ops,
      { faultMs, healedMs, limitMs: recoveryMs },
      signal,
    )
    say('Waiting for outstanding answers, then reading the final state')
    load.abort()
    await aborted(running, signal)
    const late = eventLoopLag.end()
    const notes = late === undefined ? [] : [late]
    const usersResult = await aborted(users, signal).catch((error) => {
      signal.throwIfAborted()
      notes.push(`simulated users: ${messageOf(error)}`)
      return undefined
    })
    const finals: FinalState[] = []
    for (const workload of world.workloads) finals.push(await aborted(workload.final(), signal))
    return await evaluate(plan, world, options, {
      recorder,
      drillEvents: faults.drillEvents,
      samples: watch.samples,
      final: mergeFinals(finals),
      worldSettled,
      unrecovered,
      users: usersResult,
      runNotes: notes,
    })
  } finally {
    watch.stop()
    eventLoopLag.end()
    await faults.healAll()
    load.abort()
    if (begun) await cleanUp(world.workloads, running, say)
  }
}

/** Resolves once users arrive; their result is in the returned promise. */
async function startUsers(
  simulate: NonNullable<DrillWorld['users']>,
  load: AbortSignal,
  signal: AbortSignal,
): Promise<{ result: Promise<UsersResult> }> {
  const started = Promise.withResolvers<void>()
  const result = simulate(load, started.resolve)
  result.catch(started.reject)
  await aborted(started.promise, signal)
  return { result }
}

async function cleanUp(
  workloads: readonly Workload[],
  running: Promise<unknown>,
  say: (text: string) => void,
): Promise<void> {
  await Promise.race([running.catch(() => undefined), sleep(1000)])
  const done = Promise.all(workloads.map((one) => one.cleanUp())).then(
    () => undefined,
    (error) => say(`could not remove the data of the load: ${messageOf(error)}`),
  )
  const late = new AbortController()
  const tooLate = sleep(cleanUpMs, 'late', { signal: late.signal }).catch(() => undefined)
  if ((await Promise.race([done, tooLate])) === 'late')
    say(`the data of the load was not removed within ${describeMs(cleanUpMs)}`)
  late.abort()
}

/** Resolves like the work, or rejects with the signal's reason if that comes first. */
function aborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

async function settledBefore(world: DrillWorld, watch: Watch, signal: AbortSignal): Promise<void> {
  const limit = clockMs() + settledBeforeMs
  for (;;) {
    const sample = watch.last()
    if (sample && isSettledNow(world, sample)) return
    if (clockMs() > limit)
      throw new NearsideError(
        'drill_not_settled',
        [`${world.name}: not healthy before the drill`, ...(sample ? unsettled(sample) : [])].join('\n  '),
        { remedy: 'fix what `nearside status` reports first, because a drill would only show that' },
      )
    await sleep(100, undefined, { signal })
  }
}

async function baseline(recorder: Recorder, ms: number, signal: AbortSignal): Promise<void> {
  const acknowledged = () =>
    recorder.ops.filter((op) => isWrite(op) && op.outcome === 'ok').length >= leastBaselineWrites
  const limit = clockMs() + longestBaselineMs
  await sleep(ms, undefined, { signal })
  while (!acknowledged()) {
    if (clockMs() > limit)
      throw new NearsideError('drill_no_load', 'no write of the load is acknowledged, even without a fault', {
        remedy: `see \`nearside status\`; the last answers: ${[...new Set(recorder.ops.slice(-20).map(({ why }) => why))].join('; ') || 'none'}`,
      })
    await sleep(100, undefined, { signal })
  }
}

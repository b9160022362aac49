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
import { untilNoneIsSilent } from './recovery.ts'
import { unsettled } from './sample.ts'
import { runSteps } from './steps.ts'
import type { DrillOptions, DrillResult, DrillWorld } from './types.ts'
import { isSettledNow, type Watch, watchWorld } from './watch.ts'

const settledBeforeMs = 60_000
/** Without so many acknowledged writes before the fault there is nothing to compare with. */
const leastBaselineWrites = 10
const longestBaselineMs = 30_000
const cleanUpMs = 15_000
/** Longer than a write waits in a world that is well. */
const defaultRecoveryMs = 30_000

/**
 * Runs a drill as it is planned. However it ends, every fault that it has injected is healed, and what the load made is
 * removed; an aborted signal ends it with the reason of the signal.
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
    // Told where it is waited for; it must not end the process meanwhile.
    running.catch(() => undefined)
    if (world.users) users = (await usersComing(world.users, load.signal, signal)).met
    const names = [...world.workloads.map(({ name }) => name), ...(world.users ? ['users'] : [])]
    say(`Load alone for ${describeMs(plan.baselineMs)}: ${names.join(' and ')}`)
    await baseline(recorder, plan.baselineMs, signal)

    const faultMs = clockMs()
    const settled = await runSteps(plan, { world, watch, recorder, faults, signal, say })
    const healedMs = clockMs()
    say(`Load alone for ${describeMs(plan.afterMs)}`)
    await sleep(plan.afterMs, undefined, { signal })
    const silent = await untilNoneIsSilent(recorder.ops, { faultMs, healedMs, limitMs: recoveryMs }, signal)
    say('Waiting for every answer, then looking at what is there')
    load.abort()
    await aborted(running, signal)
    const late = eventLoopLag.end()
    const notes = late === undefined ? [] : [late]
    const met = await aborted(users, signal).catch((error) => {
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
      settled,
      silent,
      users: met,
      notes,
    })
  } finally {
    watch.stop()
    eventLoopLag.end()
    await faults.healAll()
    load.abort()
    if (begun) await cleanUp(world.workloads, running, say)
  }
}

/** Resolves when they come; what they meet is in the promise that it returns. */
async function usersComing(
  come: NonNullable<DrillWorld['users']>,
  load: AbortSignal,
  signal: AbortSignal,
): Promise<{ met: Promise<UsersResult> }> {
  const started = Promise.withResolvers<void>()
  const met = come(load, started.resolve)
  met.catch(started.reject)
  await aborted(started.promise, signal)
  return { met }
}

async function cleanUp(
  workloads: readonly Workload[],
  running: Promise<unknown>,
  say: (text: string) => void,
): Promise<void> {
  await Promise.race([running.catch(() => undefined), sleep(1000)])
  const done = Promise.all(workloads.map((one) => one.cleanUp())).then(
    () => undefined,
    (error) => say(`what the load made could not be removed: ${messageOf(error)}`),
  )
  const late = new AbortController()
  const tooLate = sleep(cleanUpMs, 'late', { signal: late.signal }).catch(() => undefined)
  if ((await Promise.race([done, tooLate])) === 'late')
    say(`what the load made was not removed within ${describeMs(cleanUpMs)}`)
  late.abort()
}

/** The work, or the signal's reason, whichever comes first. */
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
        [`${world.name}: is not healthy before the drill`, ...(sample ? unsettled(sample) : [])].join('\n  '),
        { remedy: 'nearside status says what is wrong; a drill would show nothing else' },
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
      throw new NearsideError('drill_no_load', 'the load gets no write acknowledged, without any fault', {
        remedy: `nearside status; the last answers: ${[...new Set(recorder.ops.slice(-20).map(({ why }) => why))].join('; ') || 'none'}`,
      })
    await sleep(100, undefined, { signal })
  }
}

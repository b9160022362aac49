import { someOf } from '../../src/lab/checker/describe.ts'
import type { Violation } from '../../src/lab/checker/index.ts'
import { type Attempt, type Fault, summarize, underWayAt } from '../../test/support/world/history.ts'
import type { Figure } from '../figure.ts'
import { median, spreadOf, sum } from '../statistics.ts'

/** The users' view of the loss of a region. Pure. */

export type Loss = {
  orders: Record<'acknowledged' | 'refused' | 'unknown', number>
  /** Orders in flight at the kill. */
  inFlight: Loss['orders']
  pauseSeconds: number
  /** Orders sent after the kill and before the first acknowledged one of them. */
  held: { arrived: number; acknowledged: number; slowestSeconds: number }
  reads: { sent: number; failed: number }
  rejoinSeconds: number
  told: string
}

export type LossInputs = {
  primary: string
  attempts: readonly Attempt[]
  fault: Fault
  rejoinSeconds: number
}

export function measureLoss({ primary, attempts, fault, rejoinSeconds }: LossInputs): Loss {
  const writes = attempts.filter(({ kind }) => kind === 'write')
  const reads = attempts.filter(({ kind }) => kind === 'read')
  const underWay = new Set(underWayAt(writes, fault))
  const arrivedLater = writes.filter((one) => !underWay.has(one) && one.startedMs > fault.fromMs)
  const resumedMs = Math.min(...arrivedLater.filter(isAcknowledged).map(({ endedMs }) => endedMs))
  const held = arrivedLater.filter(({ startedMs }) => startedMs < resumedMs)
  const loss: Omit<Loss, 'told'> = {
    orders: byOutcome(writes),
    inFlight: byOutcome([...underWay]),
    pauseSeconds: summarize(attempts, fault.fromMs).pauseMs / 1000,
    held: {
      arrived: held.length,
      acknowledged: held.filter(isAcknowledged).length,
      slowestSeconds: Math.max(0, ...held.map(({ startedMs, endedMs }) => endedMs - startedMs)) / 1000,
    },
    reads: { sent: reads.length, failed: reads.filter((one) => !isAcknowledged(one)).length },
    rejoinSeconds,
  }
  return { ...loss, told: tell(primary, loss, attempts, fault) }
}

const isAcknowledged = ({ outcome }: Attempt) => outcome === 'ok'

function byOutcome(attempts: readonly Attempt[]): Loss['orders'] {
  const count = (outcome: Attempt['outcome']) => attempts.filter((one) => one.outcome === outcome).length
  return { acknowledged: count('ok'), refused: count('fail'), unknown: count('unknown') }
}

/** Each lost write is one violation, however many databases miss it. */
export function brokenBy(violations: readonly Violation[]): { lost: number; others: string[] } {
  const others = violations.filter(({ guarantee }) => guarantee !== 'no-lost-writes')
  return { lost: violations.length - others.length, others: others.map(({ what }) => what) }
}

function tell(primary: string, loss: Omit<Loss, 'told'>, attempts: readonly Attempt[], fault: Fault): string {
  const { pauseSeconds, held, orders, reads, rejoinSeconds } = loss
  const failures = Object.entries(summarize(attempts, fault.fromMs).failures)
  return [
    `${primary} lost, orders paused ${pauseSeconds.toFixed(2)} s, ${held.acknowledged} of ${held.arrived} held`,
    `${orders.acknowledged} orders acknowledged, ${reads.failed} of ${reads.sent} reads failed`,
    `back in ${rejoinSeconds.toFixed(1)} s`,
    ...failures.map(([what, times]) => `${what}: ${times}`),
  ]
    .join('; ')
    .replaceAll(/\s+/g, ' ')
}

export function lossFigures(losses: readonly Loss[], violations: readonly Violation[]): Figure[] {
  const total = (of: (loss: Loss) => number) => sum(losses.map(of))
  const pauses = losses.map(({ pauseSeconds }) => pauseSeconds)
  const unknown = total(({ orders }) => orders.unknown)
  const refused = total(({ orders }) => orders.refused)
  const early = {
    acknowledged: total(({ inFlight }) => inFlight.acknowledged),
    refused: total(({ inFlight }) => inFlight.refused),
    unknown: total(({ inFlight }) => inFlight.unknown),
  }
  const rejoins = losses.map(({ rejoinSeconds }) => rejoinSeconds)
  const { lost, others } = brokenBy(violations)
  const none = { unit: '', target: { atMost: 0 } } as const
  return [
    { what: 'orders acknowledged', value: total(({ orders }) => orders.acknowledged), unit: '' },
    { what: 'acknowledged orders lost', value: lost, ...none },
    { what: 'other guarantees broken', value: others.length, ...none, note: someOf(others) },
    {
      what: 'orders in flight at the kill',
      value: early.acknowledged + early.refused + early.unknown,
      unit: '',
      note: `acknowledged ${early.acknowledged}, refused ${early.refused}, unknown ${early.unknown}`,
    },
    { what: 'other orders with an error', value: refused + unknown - early.refused - early.unknown, ...none },
    { what: 'other orders with an unknown outcome', value: unknown - early.unknown, unit: '' },
    {
      what: `orders paused, median of ${losses.length}`,
      value: median(pauses),
      unit: 's',
      target: { atMost: 4 },
      note: pauses.map((pause) => pause.toFixed(2)).join(', '),
    },
    { what: 'orders paused, worst', value: spreadOf(pauses)[1], unit: 's', target: { atMost: 6 } },
    { what: 'orders that arrived during the pause', value: total(({ held }) => held.arrived), unit: '' },
    {
      what: 'held orders not answered 2xx',
      value: total(({ held }) => held.arrived - held.acknowledged),
      ...none,
    },
    {
      what: 'slowest held order',
      value: Math.max(...losses.map(({ held }) => held.slowestSeconds)),
      unit: 's',
    },
    { what: 'reads', value: total(({ reads }) => reads.sent), unit: '' },
    { what: 'reads with an error', value: total(({ reads }) => reads.failed), ...none },
    {
      what: 'revival to sync standby, median',
      value: median(rejoins),
      unit: 's',
      spread: spreadOf(rejoins),
    },
  ]
}

import type { Topology } from '../../topology/schema.ts'
import { type Guarantee, verdictOf } from '../checker/index.ts'
import { type History, isWrite, type Op, type OpKind, type WriteOp } from '../history.ts'
import type { UsersResult } from '../users/result.ts'
import type { DrillEvent } from './event.ts'
import { causedPause, longestPause } from './pause.ts'
import type { Moment } from './timeline.ts'

export type Counts = { acknowledged: number; refused: number; unknown: number; lost: number }

/** The figures of a drill. Pure. Times count from the first fault. */
export type Figures = {
  /** Until a majority reported a region unreachable or unhealthy. */
  toVerdictMs?: number
  /** From the step that paused writes until the next acknowledgement; only if a fault caused the pause. */
  toWritableMs?: number
  /** From any cause. `open`: no write was acknowledged afterwards. */
  longestWritePause?: { ms: number; atMs: number; open: boolean }
  writes: Counts
  /** Of the shop; only if its load ran. */
  orders?: Counts
  reads: {
    all: number
    failed: number
    failedElsewhere: number
    /** Failures at the other edges, most frequent first. */
    elsewhere: readonly FailedReads[]
  }
  byEdge: readonly EdgeFigures[]
  /**
   * HTTP requests that failed or took longer than the topology's SLO: from simulated users in their cities if there
   * were any, otherwise from the load, which has no network distance.
   */
  users?: UserFigures
}

/** Reads of one kind that failed for one reason. */
type FailedReads = { kind: string; why: string; count: number }

type UserFigures = {
  who: 'users' | 'load'
  requests: number
  failed: number
  overSlo: number
  latencyMs: number
  share: number
  met: boolean
}

type EdgeFigures = {
  edge: string
  hit: boolean
  writes: Counts
  reads: { all: number; failed: number }
  longestWritePauseMs?: number
}

type FiguresInput = {
  history: History
  drillEvents: readonly DrillEvent[]
  timeline: readonly Moment[]
  guarantees: readonly Guarantee[]
  /** Regions that the faults targeted. */
  hit: readonly string[]
  slo: Topology['slo']
  users?: UsersResult | undefined
}

export function figuresOf({
  history,
  drillEvents,
  timeline,
  guarantees,
  hit,
  slo,
  users,
}: FiguresInput): Figures {
  const t0 = drillEvents.find(({ kind }) => kind === 'fault')?.atMs ?? 0
  const { ops } = history
  const lost = lostIds(guarantees)
  const writes = ops.filter(isWrite)
  const reads = ops.filter((op) => !isWrite(op))
  const orders = writes.filter(({ kind }) => kind === 'order')
  const http = ops.filter(({ kind }) => kind === 'order' || kind === 'readOrders' || kind === 'page')
  const longest = longestPause(history, t0)
  const caused = causedPause(history, drillEvents)
  const verdict = timeline.find(({ kind }) => kind === 'verdict')
  const edges = [...new Set(ops.map(({ edge }) => edge))].sort()
  const failed = reads.filter(({ outcome }) => outcome !== 'ok')
  const elsewhere = failed.filter(({ edge }) => !hit.includes(edge))
  return {
    ...(verdict ? { toVerdictMs: verdict.atMs } : {}),
    ...(caused && !caused.open ? { toWritableMs: caused.toMs - caused.causeMs } : {}),
    ...(longest
      ? {
          longestWritePause: {
            ms: longest.toMs - longest.fromMs,
            atMs: longest.fromMs - t0,
            open: longest.open,
          },
        }
      : {}),
    writes: counts(writes, lost),
    ...(orders.length > 0 ? { orders: counts(orders, lost) } : {}),
    reads: {
      all: reads.length,
      failed: failed.length,
      failedElsewhere: elsewhere.length,
      elsewhere: countedReads(elsewhere),
    },
    byEdge: edges.map((edge) => ofEdge(edge, hit.includes(edge), history, t0, lost)),
    ...(users ? { users: simulated(users) } : http.length > 0 ? { users: usersOf(http, slo) } : {}),
  }
}

function countedReads(reads: readonly Op[]): FailedReads[] {
  const counted = new Map<string, FailedReads>()
  for (const op of reads) {
    const kind = readNames[op.kind] ?? op.kind
    const named = 'source' in op ? `${kind} (${op.source})` : kind
    const why = op.why || 'no reason given'
    const key = JSON.stringify([named, why])
    counted.set(key, { kind: named, why, count: (counted.get(key)?.count ?? 0) + 1 })
  }
  return [...counted.values()].sort((a, b) => b.count - a.count)
}

/** Names as the workloads use them. */
const readNames: Partial<Record<OpKind, string>> = {
  readList: 'lists by SQL',
  readAccounts: 'accounts by SQL',
  readOrders: 'a customer’s orders',
  page: 'pages',
}

/** Operations that prove the loss of an acknowledged write. */
function lostIds(guarantees: readonly Guarantee[]): Set<number> {
  const lost = guarantees.find(({ id }) => id === 'no-lost-writes')
  return new Set(lost?.violations.flatMap(({ ops }) => ops) ?? [])
}

function counts(writes: readonly WriteOp[], lost: ReadonlySet<number>): Counts {
  const of = (outcome: Op['outcome']) => writes.filter((op) => op.outcome === outcome).length
  return {
    acknowledged: of('ok'),
    refused: of('fail'),
    unknown: of('unknown'),
    lost: writes.filter(({ id, outcome }) => outcome === 'ok' && lost.has(id)).length,
  }
}

function ofEdge(
  edge: string,
  hit: boolean,
  history: History,
  t0: number,
  lost: ReadonlySet<number>,
): EdgeFigures {
  const here = history.ops.filter((op) => op.edge === edge)
  const reads = here.filter((op) => !isWrite(op))
  const pause = longestPause(history, t0, (op) => op.edge === edge)
  return {
    edge,
    hit,
    writes: counts(here.filter(isWrite), lost),
    reads: { all: reads.length, failed: reads.filter(({ outcome }) => outcome !== 'ok').length },
    ...(pause ? { longestWritePauseMs: pause.toMs - pause.fromMs } : {}),
  }
}

function usersOf(http: readonly Op[], { latencyMs, share }: Topology['slo']): UserFigures {
  const over = http.filter(
    ({ outcome, invokedMs, completedMs }) => outcome !== 'ok' || completedMs - invokedMs > latencyMs,
  ).length
  const within = 1 - over / http.length
  return {
    who: 'load',
    requests: http.length,
    failed: http.filter(({ outcome }) => outcome !== 'ok').length,
    overSlo: over,
    latencyMs,
    share: within,
    met: within >= share,
  }
}

function simulated({ all, slo }: UsersResult): UserFigures {
  return {
    who: 'users',
    requests: all.requests,
    failed: all.failed,
    overSlo: Math.round(all.requests * (1 - slo.fastShare)),
    latencyMs: slo.latencyMs,
    share: slo.fastShare,
    met: slo.met,
  }
}

/** Guarantees that count against the drill: the promised ones, or all with `every`. */
export const brokenIn = (guarantees: readonly Guarantee[], every = false): Guarantee[] =>
  guarantees.filter((one) => (every ? one.violations.length > 0 : verdictOf(one) === 'broken'))

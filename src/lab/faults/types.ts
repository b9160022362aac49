/**
 * What can be broken on purpose. A fault is a plain value: it can be printed, put into a plan, kept on disk while it is
 * in force, and healed by whoever finds it there. Nothing else is needed to heal it.
 *
 * Regions and processes are names, as `nearside status --verbose` shows them. `forMs` is the longest time that a fault
 * may be in force: it is healed then, whatever becomes of the command that injected it.
 */
export type Fault =
  | KillProcess
  | PauseProcess
  | RestartProcess
  | KillRegion
  | PauseRegion
  | RestartRegion
  | Cut
  | SlowLink
  | LossyLink
  | EtcdQuorum
  | DiskFull
  | ReplayPaused
  | AppHang
  | AppError
  | AppLeak
  | AppClock

type Lasting = { forMs: number }

/**
 * SIGKILL for one process and what it has started. Its agent starts it again; an agent that is killed is started again
 * at healing. `postmaster` is PostgreSQL without the Patroni that watches over it.
 */
export type KillProcess = { kind: 'kill-process'; region: string; process: string } & Lasting
/** SIGSTOP: it holds its connections and answers nobody. Nobody starts it again, because it lives. */
export type PauseProcess = { kind: 'pause-process'; region: string; process: string } & Lasting
/** Stopped in good order and started again, by its agent. */
export type RestartProcess = { kind: 'restart-process'; region: string; process: string }
/** As a power cut. Healing starts the region again. */
export type KillRegion = { kind: 'kill-region'; region: string } & Lasting
/** As a machine that is frozen and goes on later, not knowing that time has passed. */
export type PauseRegion = { kind: 'pause-region'; region: string } & Lasting
/** Stopped in good order and started again. */
export type RestartRegion = { kind: 'restart-region'; region: string }
/** `both`: nothing passes. `out`: what the region says does not arrive. `in`: it hears nothing. */
export type Direction = 'both' | 'out' | 'in'
/** `from`: regions, and `users` for everybody in *internet*. */
export type Cut = { kind: 'cut'; region: string; from: readonly string[]; direction: Direction } & Lasting
type OnLink = { from: string; to: string; direction: Direction } & Lasting
/** On top of what the link has. `rateBitsPerSecond` 0: as it is. */
export type SlowLink = {
  kind: 'slow-link'
  delayMs: number
  jitterMs: number
  rateBitsPerSecond: number
} & OnLink
/** Of packets, 0 to 1. */
export type LossyLink = { kind: 'lossy-link'; lossShare: number } & OnLink
/** These regions' members are stopped where they stand (SIGSTOP), so that no majority is left. */
export type EtcdQuorum = { kind: 'etcd-quorum'; members: readonly string[] } & Lasting
/** The region's database has a disk of its own (`lab up --small-disk`); it is filled to the last byte. */
export type DiskFull = { kind: 'disk-full'; region: string } & Lasting
/** The replica receives and keeps everything, so writes are acknowledged, and shows none of it. */
export type ReplayPaused = { kind: 'replay-paused'; region: string } & Lasting
/** Every instance of the region's app is stopped where it stands. */
export type AppHang = { kind: 'app-hang'; region: string } & Lasting
/** A share of requests (0 to 1) is answered 500 before the app sees it. */
export type AppError = { kind: 'app-500'; region: string; share: number } & Lasting
export type AppLeak = { kind: 'app-leak'; region: string; mbPerSecond: number } & Lasting
/** What the app takes for the time, off by this much. */
export type AppClock = { kind: 'app-clock'; region: string; offsetMs: number } & Lasting

export type FaultKind = Fault['kind']
export type FaultOf<K extends FaultKind> = Extract<Fault, { kind: K }>

/** How long it may be in force at most; 0 for what is over when it has been done. */
export const boundMs = (fault: Fault): number => ('forMs' in fault ? fault.forMs : 0)

/** Nobody waits longer than this for a rehearsal, and a forgotten fault does no more harm than this. */
export const longestMs = 60 * 60_000

/** Regions that a fault is about, each once. */
export function regionsIn(fault: Fault): string[] {
  switch (fault.kind) {
    case 'etcd-quorum':
      return [...fault.members]
    case 'slow-link':
    case 'lossy-link':
      return [fault.from, fault.to].filter((name) => name !== users)
    default:
      return [fault.region]
  }
}

/** In place of a region: everybody in *internet*. */
export const users = 'users'

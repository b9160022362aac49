import { lookAt } from '../../lib/proc.ts'
import { hasPreload, isAppFault } from './app.ts'
import { mustBeSmallDisk } from './disk.ts'
import { holdReplay, resumeUnlessHeld } from './hold-replay.ts'
import { noPreload, nothingThere } from './impossible.ts'
import { freeUnlessHeld, keepFull } from './keep-full.ts'
import { linksBefore, needsLab, onLinks, setLinks } from './on-links.ts'
import { chosen, goOn, kill, stop, stoppedBy } from './processes.ts'
import {
  type FaultRecord,
  inForce,
  markHealing,
  type Records,
  readRecords,
  removeRecord,
  writeRecord,
} from './record.ts'
import type { FaultTarget } from './target.ts'
import { tellApp } from './tell-app.ts'
import type { Fault } from './types.ts'

/** A fault in force. Healing it twice is healing it once. */
export type Injected = { record: FaultRecord; heal: () => Promise<void> }

/**
 * Injects a fault and resolves when it is in force. The record on disk comes first: should this process end in any way
 * before `heal`, another one heals by it (`healLeft`; the guard of the command line does so at once). A fault that
 * cannot be injected is healed before this rejects.
 */
export async function inject(target: FaultTarget, fault: Fault): Promise<Injected> {
  await refuseImpossible(target, fault)
  const record = await writeRecord(target.folder, fault, { linksBefore: await linksBefore(target, fault) })
  let healing: Promise<void> | undefined
  let stopUpkeep: Upkeep = () => undefined
  const heal = () => {
    healing ??= (async () => {
      await stopUpkeep()
      await healRecord(target, record)
    })().catch((error) => {
      // It may go better later.
      healing = undefined
      throw error
    })
    return healing
  }
  try {
    stopUpkeep = await act(target, record)
    return { record, heal }
  } catch (error) {
    // What cannot be healed now keeps its record, and the next command heals it.
    await heal().catch(() => undefined)
    throw error
  }
}

/** Heals what a record names and removes it. The other faults in force stay in force. */
export async function healRecord(target: FaultTarget, record: FaultRecord): Promise<void> {
  // Somebody else has: `nearside down`, which must not be undone by starting a region.
  if (!readRecords(target.folder).some(({ id }) => id === record.id)) return
  await markHealing(target.folder, record)
  await undo(target, record, () => inForce(target.folder).filter(({ id }) => id !== record.id))
  removeRecord(target.folder, record.id)
}

/** Ends what a fault needs to be done all the time while it is in force. */
type Upkeep = () => void | Promise<void>

async function act(target: FaultTarget, record: FaultRecord): Promise<Upkeep> {
  const nothing = () => undefined
  const { fault } = record
  switch (fault.kind) {
    case 'kill-process':
      if ((await kill(target, fault.region, fault.process)).length === 0) throw nothingThere(fault)
      return nothing
    case 'kill-region':
      await target.killRegion(fault.region)
      return nothing
    case 'restart-process':
      await target.restartProcess(fault.region, fault.process)
      return nothing
    case 'restart-region':
      await target.restartRegion(fault.region)
      return nothing
    case 'pause-process':
    case 'pause-region':
    case 'app-hang':
    case 'etcd-quorum': {
      const stopped = await stop(target, stoppedBy(fault))
      if (stopped.length === 0) throw nothingThere(fault)
      return nothing
    }
    case 'cut':
    case 'slow-link':
    case 'lossy-link':
      await setLinks(target, record, () => inForce(target.folder))
      return nothing
    case 'disk-full':
      return keepFull(target, record.id, fault.region)
    case 'replay-paused':
      return holdReplay(target, record.id, fault.region)
    case 'app-500':
    case 'app-leak':
    case 'app-clock':
      await tellApp(target, fault.region, () => inForce(target.folder))
      return nothing
  }
}

async function undo(target: FaultTarget, record: FaultRecord, rest: Records): Promise<void> {
  const { fault } = record
  switch (fault.kind) {
    case 'restart-process':
    case 'restart-region':
      return
    case 'kill-process':
      if (fault.process === 'agent' && !isKilled(fault.region, rest())) await target.startRegion(fault.region)
      return
    case 'kill-region':
      if (!isKilled(fault.region, rest())) await target.startRegion(fault.region)
      return
    case 'pause-process':
    case 'pause-region':
    case 'app-hang':
    case 'etcd-quorum':
      return goOn(target, stoppedBy(fault), () => rest().flatMap((one) => stoppedBy(one.fault)))
    case 'cut':
    case 'slow-link':
    case 'lossy-link':
      return setLinks(target, record, rest)
    case 'disk-full':
      return freeUnlessHeld(target, fault.region, rest())
    case 'replay-paused':
      return resumeUnlessHeld(target, fault.region, rest())
    case 'app-500':
    case 'app-leak':
    case 'app-clock':
      return tellApp(target, fault.region, rest)
  }
}

const isKilled = (region: string, rest: readonly FaultRecord[]) =>
  rest.some(({ fault }) => fault.kind === 'kill-region' && fault.region === region)

/** To be asked before anything is said or done. */
export async function refuseImpossible(target: FaultTarget, fault: Fault): Promise<void> {
  if (!target.links && onLinks(fault)) throw needsLab(fault)
  if (fault.kind === 'disk-full') mustBeSmallDisk(target.regionFolder(fault.region))
  if (isAppFault(fault)) {
    const app = chosen(target, [{ region: fault.region, process: /^app-\d+$/ }]).filter((one) => one.main)
    if (app.length === 0) throw nothingThere(fault)
    if (!app.every(({ pid }) => hasPreload((name) => lookAt(pid)?.variable(name))))
      throw noPreload(fault.kind, fault.region)
  }
}

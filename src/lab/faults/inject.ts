import { lookAt } from '../../lib/proc.ts'
import { hasPreload, isAppFault } from './app.ts'
import { mustBeSmallDisk } from './disk.ts'
import type { Hands } from './hands.ts'
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
import { tellApp } from './tell-app.ts'
import type { Fault } from './types.ts'

/** A fault in force. Healing it twice is healing it once. */
export type Injected = { record: FaultRecord; heal: () => Promise<void> }

/**
 * Injects a fault and resolves when it is in force. The record on disk comes first: should this process end in any way
 * before `heal`, another one heals by it (`healLeft`; the guard of the command line does so at once). A fault that
 * cannot be injected is healed before this rejects.
 */
export async function inject(hands: Hands, fault: Fault): Promise<Injected> {
  await refuseImpossible(hands, fault)
  const record = await writeRecord(hands.folder, fault, { linksBefore: await linksBefore(hands, fault) })
  let healing: Promise<void> | undefined
  let stopUpkeep: Upkeep = () => undefined
  const heal = () => {
    healing ??= (async () => {
      await stopUpkeep()
      await healRecord(hands, record)
    })().catch((error) => {
      // It may go better later.
      healing = undefined
      throw error
    })
    return healing
  }
  try {
    stopUpkeep = await act(hands, record)
    return { record, heal }
  } catch (error) {
    // What cannot be healed now keeps its record, and the next command heals it.
    await heal().catch(() => undefined)
    throw error
  }
}

/** Heals what a record names and removes it. The other faults in force stay in force. */
export async function healRecord(hands: Hands, record: FaultRecord): Promise<void> {
  // Somebody else has: `nearside down`, which must not be undone by starting a region.
  if (!readRecords(hands.folder).some(({ id }) => id === record.id)) return
  await markHealing(hands.folder, record)
  await undo(hands, record, () => inForce(hands.folder).filter(({ id }) => id !== record.id))
  removeRecord(hands.folder, record.id)
}

/** Ends what a fault needs to be done all the time while it is in force. */
type Upkeep = () => void | Promise<void>

async function act(hands: Hands, record: FaultRecord): Promise<Upkeep> {
  const nothing = () => undefined
  const { fault } = record
  switch (fault.kind) {
    case 'kill-process':
      if ((await kill(hands, fault.region, fault.process)).length === 0) throw nothingThere(fault)
      return nothing
    case 'kill-region':
      await hands.killRegion(fault.region)
      return nothing
    case 'restart-process':
      await hands.restartProcess(fault.region, fault.process)
      return nothing
    case 'restart-region':
      await hands.restartRegion(fault.region)
      return nothing
    case 'pause-process':
    case 'pause-region':
    case 'app-hang':
    case 'etcd-quorum': {
      const stopped = await stop(hands, stoppedBy(fault))
      if (stopped.length === 0) throw nothingThere(fault)
      return nothing
    }
    case 'cut':
    case 'slow-link':
    case 'lossy-link':
      await setLinks(hands, record, () => inForce(hands.folder))
      return nothing
    case 'disk-full':
      return keepFull(hands, record.id, fault.region)
    case 'replay-paused':
      return holdReplay(hands, record.id, fault.region)
    case 'app-500':
    case 'app-leak':
    case 'app-clock':
      await tellApp(hands, fault.region, () => inForce(hands.folder))
      return nothing
  }
}

async function undo(hands: Hands, record: FaultRecord, rest: Records): Promise<void> {
  const { fault } = record
  switch (fault.kind) {
    case 'restart-process':
    case 'restart-region':
      return
    case 'kill-process':
      if (fault.process === 'agent' && !isKilled(fault.region, rest())) await hands.startRegion(fault.region)
      return
    case 'kill-region':
      if (!isKilled(fault.region, rest())) await hands.startRegion(fault.region)
      return
    case 'pause-process':
    case 'pause-region':
    case 'app-hang':
    case 'etcd-quorum':
      return goOn(hands, stoppedBy(fault), () => rest().flatMap((one) => stoppedBy(one.fault)))
    case 'cut':
    case 'slow-link':
    case 'lossy-link':
      return setLinks(hands, record, rest)
    case 'disk-full':
      return freeUnlessHeld(hands, fault.region, rest())
    case 'replay-paused':
      return resumeUnlessHeld(hands, fault.region, rest())
    case 'app-500':
    case 'app-leak':
    case 'app-clock':
      return tellApp(hands, fault.region, rest)
  }
}

const isKilled = (region: string, rest: readonly FaultRecord[]) =>
  rest.some(({ fault }) => fault.kind === 'kill-region' && fault.region === region)

/** To be asked before anything is said or done. */
export async function refuseImpossible(hands: Hands, fault: Fault): Promise<void> {
  if (!hands.links && onLinks(fault)) throw needsLab(fault)
  if (fault.kind === 'disk-full') mustBeSmallDisk(hands.regionFolder(fault.region))
  if (isAppFault(fault)) {
    const app = chosen(hands, [{ region: fault.region, process: /^app-\d+$/ }]).filter((one) => one.main)
    if (app.length === 0) throw nothingThere(fault)
    if (!app.every(({ pid }) => hasPreload((name) => lookAt(pid)?.variable(name))))
      throw noPreload(fault.kind, fault.region)
  }
}

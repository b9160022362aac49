import { lookAt } from '../../../lib/proc.ts'
import type { WorldProcess } from '../../../world/processes.ts'
import { type AppControl, controlApp, hasPreload } from '../app-control.ts'
import type { FaultContext, FaultSubject } from '../driver.ts'
import { nothingThere } from '../errors.ts'
import type { FaultValue } from '../fault.ts'
import type { FaultRecord } from '../record.ts'
import { chosen } from '../signals.ts'
import type { ProcessChoice } from '../target.ts'

type InApp = FaultValue & { region: string }

/** The shared parts of drivers for faults inside the app. */
type Family = {
  instances: (region: string) => ProcessChoice
  /** The records of faults in this region's app. */
  recordsOf: (records: readonly FaultRecord[], region: string) => FaultRecord[]
  controlOf: (records: readonly FaultRecord[]) => AppControl | undefined
  noPreload: (fault: { kind: string; region: string }) => Error
}

/** The part of a driver whose fault is injected by the preload in the app. */
export const preloaded = <F extends InApp>({ instances, recordsOf, controlOf, noPreload }: Family) => ({
  needs: 'lab with --app-faults' as const,
  describeHealing: ({ region }: F) => `end the fault inside the app in ${region}`,
  requires({ target, fault, effect }: FaultSubject<F>) {
    const app = chosen(target, [instances(fault.region)]).filter(({ main }) => main)
    if (app.length === 0) throw nothingThere(effect)
    if (!app.every(wasPreloaded)) throw noPreload(fault)
  },
  inject: ({ target, fault: { region }, active }: FaultContext<F>) =>
    controlApp(target.regionFolder(region), () => recordsOf(active(), region), controlOf),
  heal: ({ target, fault: { region }, others }: FaultContext<F>) =>
    controlApp(target.regionFolder(region), () => recordsOf(others(), region), controlOf),
})

const wasPreloaded = ({ pid }: WorldProcess) => hasPreload((name) => lookAt(pid)?.variable(name))

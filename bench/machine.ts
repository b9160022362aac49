import { readFileSync } from 'node:fs'
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { locateEngineRoot } from '../src/engines/root/locate.ts'
import { version } from '../src/lib/version.ts'

/** The machine on which the figures were measured, without which they mean little. */
export type Machine = {
  nearside: string
  cores: number
  processor: string
  memoryGb: number
  kernel: string
  distribution: string
  node: string
  engines: Readonly<Record<string, string>>
  /** Load average over the minute before the measurement. */
  loadBefore: number
}

export function describeMachine(): Machine {
  const distribution = /^PRETTY_NAME="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? '?'
  return {
    nearside: version,
    cores: availableParallelism(),
    processor: `${cpus()[0]?.model.trim() ?? '?'}, ${arch()}`,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    distribution,
    node: process.versions.node,
    engines: locateEngineRoot().versions,
    loadBefore: loadavg()[0]!,
  }
}

export function renderMachine(machine: Machine): string {
  return `Nearside ${machine.nearside} on ${renderHardware(machine)}\n${renderVersions(machine)}\n`
}

export function renderHardware(machine: Machine): string {
  const { cores, processor, memoryGb, kernel, distribution, loadBefore } = machine
  return [
    `${cores} cores (${processor}), ${memoryGb} GB of memory`,
    `Linux ${kernel}, ${distribution}; load before: ${loadBefore.toFixed(1)}`,
  ].join('; ')
}

export function renderVersions({ node, engines }: Machine, peers: readonly string[] = []): string {
  const versions = Object.entries(engines).map(([name, version]) => `${name} ${version}`)
  return [`Node ${node}`, ...versions, ...peers].join(', ')
}

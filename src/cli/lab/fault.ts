import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { RegionStatus } from '../../agent/http/status.ts'
import { primaryIn } from '../../lab/drill/sample.ts'
import type { ClusterFacts, RawFaultArgs } from '../../lab/faults/facts.ts'
import { inject, refuseImpossible } from '../../lab/faults/inject.ts'
import { absent, faultKinds, library } from '../../lab/faults/library.ts'
import { parseFault, unknownKind } from '../../lab/faults/parse.ts'
import { readRecords } from '../../lab/faults/record.ts'
import { describeFault, describeHealing, describeMs } from '../../lab/faults/say.ts'
import { boundMs } from '../../lab/faults/types.ts'
import {
  healLeftFaults,
  mustBeRehearsalGround,
  openFaultTarget,
  rehearsedWorld,
  startGuard,
} from '../../lab/faults/world.ts'
import { NearsideError } from '../../lib/errors.ts'
import { clock } from '../../lib/format.ts'
import type { WorldOptions } from '../../world/find.ts'
import { regionStatus, type WorldHandle } from '../../world/handle.ts'
import { onInterrupt } from '../interrupt.ts'
import { action, exitCodes, type Output, widthOf, wrap } from '../output.ts'

type Options = WorldOptions &
  Omit<RawFaultArgs, 'words'> & {
    list?: boolean
    heal?: boolean
    iKnowThisIsProduction?: boolean
    json?: boolean
  }

const examples = `
Examples:
  nearside lab fault --list
  nearside lab fault kill-region us-east --for 20s
  nearside lab fault cut us-east --from us-west --direction out --for 1min
  nearside lab fault slow-link us-east us-west --delay 80ms --jitter 10ms
  nearside lab fault --heal             what a command that is gone may have left

It works on a lab and on a world of this machine. The fault is healed when its time is over, at Ctrl-C, and also when
this command is killed. Faults of several commands overlap; each heals its own.
Exit codes: 0 injected and healed, 1 it could not be, 2 wrong usage, 130 interrupted (and healed).`

export function faultCommand(parent: Command): void {
  parent
    .command('fault')
    .description('break something for a while, and heal it')
    .argument('[kind]', 'see --list')
    .argument('[what...]', 'region, and process or other region')
    .option('--list', 'every kind: what it does, where it works, how it is healed')
    .option('--heal', 'heal what commands that are gone have left')
    .option('--for <time>', 'how long, at most 60min (default: 20s)')
    .option('--from <places>', 'cut: from these regions, users, or all')
    .option('--direction <which>', 'cut and links: both, out or in')
    .option('--delay <time>', 'slow-link: more delay, one way (100ms when nothing else is asked for)')
    .option('--jitter <time>', 'slow-link: more jitter')
    .option('--rate <rate>', 'slow-link: at most, such as 10mbit')
    .option('--loss <share>', 'lossy-link: of packets, such as 5%')
    .option('--members <regions>', 'etcd-quorum: these members')
    .option('--share <share>', 'app-500: of requests')
    .option('--mb-per-second <number>', 'app-leak: how fast')
    .option('--offset <time>', 'app-clock: ahead, or back with a minus')
    .option('--i-know-this-is-production', 'also where regions are neither in a lab nor on this machine')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(({ output, options, args }) => {
        if (options.list) return list(output)
        const [kind, ...words] = args
        if (options.heal) return heal(output, options)
        if (kind === undefined)
          throw new NearsideError('usage_fault_missing', `fault: expected one of ${faultKinds.join(', ')}`, {
            remedy: 'nearside lab fault --list says what each does',
          })
        return fault(output, options, kind, words)
      }),
    )
}

function list(output: Output): number {
  output.result({ faults: faultKinds.map((kind) => ({ kind, ...library[kind] })), absent })
  const width = widthOf(process.stdout)
  for (const kind of faultKinds) {
    const { typed, does, heals, needs, note } = library[kind]
    output.print(`${output.paint('bold', kind)} ${typed}`)
    for (const line of [does, `healed: ${heals}`, `where: ${needs}`, ...(note ? [note] : [])])
      output.print(wrap(`    ${line}`, width, '      '))
  }
  output.print('\nNot here:')
  for (const [kind, why] of Object.entries(absent)) output.print(wrap(`${kind}: ${why}`, width, '    '))
  return exitCodes.ok
}

async function heal(output: Output, options: Options): Promise<number> {
  const world = await rehearsedWorld(options)
  const healed = await healLeftFaults(world, output.note)
  const inForce = readRecords(world.folder)
  output.result({ healed, inForce })
  if (healed.length === 0) output.print('nothing was left')
  for (const { fault, until, owner } of inForce)
    output.print(`in force until ${clock(until)}, by process ${owner.pid}: ${describeFault(fault)}`)
  return healed.some(({ error }) => error !== undefined) ? exitCodes.problem : exitCodes.ok
}

async function fault(output: Output, options: Options, kind: string, words: string[]): Promise<number> {
  if (!faultKinds.some((known) => known === kind)) throw unknownKind(kind)
  const world = await rehearsedWorld(options)
  const meant = parseFault(kind, { ...options, words }, await situationOf(world))
  mustBeRehearsalGround(world, options.iKnowThisIsProduction)
  const { signal } = onInterrupt(output, 'leave')
  await healLeftFaults(world, output.note)
  const target = await openFaultTarget(world, output.note)
  await refuseImpossible(target, meant)
  const guard = startGuard(world)
  try {
    output.note(`Injecting: ${describeFault(meant)}`)
    const startedMs = performance.now()
    const { record, heal } = await inject(target, meant)
    const healing = describeHealing(meant)
    try {
      if (boundMs(meant) > 0 && healing) {
        output.note(`In force; in ${describeMs(boundMs(meant))}, or at Ctrl-C: ${healing}`)
        await sleep(boundMs(meant), undefined, { signal }).catch(() => undefined)
      }
    } finally {
      await heal()
    }
    const forMs = Math.round(performance.now() - startedMs)
    output.result({ fault: meant, injectedAt: record.injectedAt, forMs, interrupted: signal.aborted })
    output.print(healing ? `Healed after ${describeMs(forMs)}: ${healing}` : `Done in ${describeMs(forMs)}`)
    return signal.aborted ? exitCodes.interrupted : exitCodes.ok
  } finally {
    guard.release()
  }
}

/** What the agents say now, to judge by what was typed. None may answer: then names of processes are not checked. */
export async function situationOf(world: WorldHandle): Promise<ClusterFacts> {
  const all = await Promise.all(
    world.regions.map(async (region) => [region.name, await regionStatus(world, region, 2000)] as const),
  )
  const statuses = new Map(all.filter((entry): entry is [string, RegionStatus] => entry[1] !== undefined))
  return {
    regions: world.regions,
    primary: primaryIn({ atMs: 0, regions: [...statuses].map(([name, status]) => ({ name, status })) }),
    smallDisks: Object.keys(world.record.lab?.smallDisks ?? {}),
    appFaults: world.record.lab?.appFaults === true,
    processesOf: (region) => {
      const processes = statuses.get(region)?.processes
      if (!processes) return undefined
      const names = processes.map(({ name }) => name)
      return [...names, 'agent', ...(names.includes('postgres') ? ['postmaster'] : [])]
    },
  }
}

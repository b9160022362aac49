import { type Command, Option } from 'commander'
import { clusterFacts } from '../../lab/faults/cluster-facts.ts'
import { describeFault, describeHealing } from '../../lab/faults/describe.ts'
import { healLeftFaults } from '../../lab/faults/heal-world.ts'
import { listFaults } from '../../lab/faults/list.ts'
import { parseFault, unknownKind } from '../../lab/faults/parse.ts'
import { readRecords } from '../../lab/faults/record.ts'
import { mustBeRehearsalGround, rehearsedWorld } from '../../lab/faults/rehearsal-ground.ts'
import { runFault } from '../../lab/faults/run.ts'
import { absent, faultKinds, faultOptions, isFaultKind } from '../../lab/faults/table.ts'
import { NearsideError } from '../../lib/errors.ts'
import { clock, describeMs } from '../../lib/format.ts'
import type { WorldOptions } from '../../world/find.ts'
import { refuseConflict } from '../conflicts.ts'
import { onInterrupt } from '../interrupt.ts'
import { action, exitCodes, type Output, widthOf, wrap } from '../output.ts'

type Options = WorldOptions & {
  list?: boolean
  heal?: boolean
  iKnowThisIsProduction?: boolean
  json?: boolean
  /** The options that the kinds of faults declare. */
  [option: string]: unknown
}

const examples = `
Examples:
  nearside lab fault --list
  nearside lab fault kill-region us-east --for 20s
  nearside lab fault cut us-east --from us-west --direction out --for 1min
  nearside lab fault slow-link us-east us-west --delay 80ms --jitter 10ms
  nearside lab fault --heal             heal the faults of killed commands

Works in a lab and in a world on this machine. A fault is healed after its
time, on Ctrl-C, and even if this command is killed. Faults of several commands
may overlap; each command heals its own.
Exit codes: 0 injected and healed, 1 could not inject or heal, 2 usage error,
130 interrupted (and healed).`

export function faultCommand(parent: Command): void {
  const command = parent
    .command('fault')
    .description('inject a fault, and heal it after a while')
    .argument('[kind]', 'kind of fault, see --list')
    .argument('[what...]', 'target: a region, then a process or other region')
    .option('--list', 'list all kinds with effect, healing and requirements')
    .option('--heal', 'heal faults left by killed commands')
    .option('--for <time>', 'duration, at most 60min (default: 20s)')
  for (const { option, kinds } of faultOptions)
    command.addOption(new Option(option.flags, `${kinds.join(', ')}: ${option.help}`))
  command
    .option('--i-know-this-is-production', 'allow regions outside a lab and this machine')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(({ output, options, args }) => {
        refuseConflict('lab fault', { '[kind]': args[0], '--list': options.list, '--heal': options.heal })
        if (options.list) return list(output)
        const [kind, ...words] = args
        if (options.heal) return heal(output, options)
        if (kind === undefined)
          throw new NearsideError('usage_fault_missing', `fault: expected one of ${faultKinds.join(', ')}`, {
            remedy: 'run `nearside lab fault --list` for a description of each',
          })
        return fault(output, options, kind, words)
      }),
    )
}

function list(output: Output): number {
  const faults = listFaults()
  output.result({ faults, absent })
  const width = widthOf(process.stdout)
  for (const { kind, typed, does, heals, needs, note } of faults) {
    output.print(`${output.paint('bold', kind)} ${typed}`)
    for (const line of [does, `healed: ${heals}`, `where: ${needs}`, ...(note ? [note] : [])])
      output.print(wrap(`    ${line}`, width, '      '))
  }
  output.print('\nNot available:')
  for (const [kind, why] of Object.entries(absent)) output.print(wrap(`${kind}: ${why}`, width, '    '))
  return exitCodes.ok
}

async function heal(output: Output, options: Options): Promise<number> {
  const world = await rehearsedWorld(options)
  const healed = await healLeftFaults(world, output.note)
  const active = readRecords(world.folder)
  output.result({ healed, active })
  if (healed.length === 0) output.print('no faults to heal')
  for (const { fault, until, owner } of active)
    output.print(`active until ${clock(until)}, from process ${owner.pid}: ${describeFault(fault)}`)
  return healed.some(({ error }) => error !== undefined) ? exitCodes.problem : exitCodes.ok
}

async function fault(output: Output, options: Options, kind: string, words: string[]): Promise<number> {
  if (!isFaultKind(kind)) throw unknownKind(kind)
  const world = await rehearsedWorld(options)
  const meant = parseFault(kind, { words, options }, await clusterFacts(world))
  mustBeRehearsalGround(world, options.iKnowThisIsProduction)
  const { signal } = onInterrupt(output, 'leave')
  const { record, forMs } = await runFault(world, meant, { note: output.note, signal })
  const healing = describeHealing(meant)
  output.result({ fault: meant, injectedAt: record.injectedAt, forMs, interrupted: signal.aborted })
  output.print(healing ? `Healed after ${describeMs(forMs)}: ${healing}` : `Done in ${describeMs(forMs)}`)
  return signal.aborted ? exitCodes.interrupted : exitCodes.ok
}

import type { Command } from 'commander'
import { faultFindings } from '../lab/doctor/faults.ts'
import { labFindings } from '../lab/doctor/labs.ts'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { printable } from '../lib/printable.ts'
import { loadTopology } from '../topology/load.ts'
import { clockFindings } from '../world/doctor/clocks.ts'
import { etcdFindings } from '../world/doctor/etcd.ts'
import type { Finding } from '../world/doctor/finding.ts'
import { leftoverFindings } from '../world/doctor/leftovers.ts'
import { machineFindings } from '../world/doctor/machine.ts'
import { portFindings } from '../world/doctor/ports.ts'
import { secrecyFindings } from '../world/doctor/secrecy.ts'
import { segmentFindings, staleFindings } from '../world/doctor/stale.ts'
import { stateFindings } from '../world/doctor/state.ts'
import { findWorld, openWorldHere, type WorldOptions } from '../world/find.ts'
import type { WorldHandle } from '../world/handle.ts'
import { confirm } from './ask.ts'
import { action, exitCodes, type Output, type Style, widthOf, wrap } from './output.ts'

type Options = WorldOptions & { fix?: boolean; yes?: boolean; json?: boolean }

const examples = `
Examples:
  nearside doctor
  nearside doctor --fix                 offer to clean up after dead worlds
  nearside doctor --json | jq '.findings[] | select(.state != "ok")'

Checks this machine, every Nearside process on it, and the world of the current
folder if there is one.
Exit codes: 0 no problems (there may be warnings), 1 problems, 2 usage error.`

export function doctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('diagnose this machine and its worlds, and clean up')
    .option('--fix', 'offer to fix each problem that has a fix')
    .option('-y, --yes', 'do not ask for confirmation')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => doctor(output, options)))
}

async function doctor(output: Output, options: Options): Promise<number> {
  const world = await worldHere(output, options)
  let findings = await examine(world, options)
  if (options.fix) {
    await fix(findings, output, options.yes)
    findings = await examine(world, options)
  }
  output.result({ world: world?.folder ?? null, findings: findings.map(({ fix, ...finding }) => finding) })
  for (const finding of findings) output.print(shown(finding, output))
  const fixable = findings.filter((one) => one.fix)
  if (fixable.length > 0) output.print('\n`nearside doctor --fix` would:')
  for (const one of fixable) output.print(wrap(`  ${one.fix!.what}`, widthOf(process.stdout), '    '))
  return findings.some((one) => one.state === 'problem') ? exitCodes.problem : exitCodes.ok
}

/** A folder without a world is fine, but options that name a missing world are an error. */
async function worldHere(output: Output, options: WorldOptions): Promise<WorldHandle | undefined> {
  try {
    return await openWorldHere(findWorld(options, process.cwd()))
  } catch (error) {
    const code = error instanceof NearsideError ? error.code : ''
    const closed = code === 'world_ambiguous' || code === 'lab_needs_root'
    if (closed) output.note(`checking only this machine: ${messageOf(error)}`)
    const absent = ['world_not_found', 'world_moved', 'world_removed'].includes(code)
    if (absent || closed) return undefined
    throw error
  }
}

async function examine(world: WorldHandle | undefined, options: Options): Promise<Finding[]> {
  const topology = world?.record.topology ?? (await topologyHere(options))
  return [
    ...(await machineFindings(world?.folder ?? process.cwd())),
    // Each region of a lab has an address, and so all its ports, to itself.
    ...(topology && !world?.record.lab ? portFindings(topology, world?.folder) : []),
    ...(world ? await clockFindings(world) : []),
    ...(world ? await etcdFindings(world) : []),
    ...(world ? await stateFindings(world) : []),
    ...(world ? await secrecyFindings(world.folder) : []),
    ...leftoverFindings(),
    ...(await labFindings()),
    ...(world ? faultFindings(world) : []),
    ...(world ? await staleFindings(world) : []),
    ...segmentFindings(),
  ]
}

const topologyHere = async ({ topology }: Options) =>
  (await loadTopology(topology ?? '.').catch(() => undefined))?.topology

async function fix(findings: readonly Finding[], output: Output, yes: boolean | undefined): Promise<void> {
  for (const { fix } of findings) {
    if (!fix) continue
    if (!(await confirm(`${fix.what[0]!.toUpperCase()}${fix.what.slice(1)}?`, { yes, what: '--fix' })))
      continue
    try {
      await fix.run()
      output.note(`fixed: ${fix.what}`)
    } catch (error) {
      output.note(`could not ${fix.what}: ${messageOf(error)}`)
    }
  }
}

const marks: Record<Finding['state'], [string, Style]> = {
  ok: ['✓', 'green'],
  warning: ['!', 'yellow'],
  problem: ['✗', 'red'],
}

function shown({ check, state, message, remedy }: Finding, output: Output): string {
  const [mark, style] = marks[state]
  const indent = ' '.repeat(17)
  const width = widthOf(process.stdout)
  const line = wrap(`${output.paint(style, mark)} ${check.padEnd(13)}  ${printable(message)}`, width, indent)
  if (!remedy || state === 'ok') return line
  return `${line}\n${wrap(`${indent}${output.paint('cyan', printable(remedy))}`, width, indent)}`
}

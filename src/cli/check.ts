import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { editorFileOf, editorFileState } from '../init/editor.ts'
import { NearsideError } from '../lib/errors.ts'
import { shownPath } from '../lib/format.ts'
import { thisMachine } from '../lib/machine.ts'
import { printable } from '../lib/printable.ts'
import { type LoadedTopology, loadTopology } from '../topology/load.ts'
import type { Problem } from '../topology/problems.ts'
import { regionsOf } from '../topology/regions.ts'
import { revision } from '../topology/revision.ts'
import { edgeLimitWarnings } from '../world/edge-limits.ts'
import { parametersAccepted } from '../world/trial.ts'
import { refuseConflict, refuseUnused } from './conflicts.ts'
import { action, exitCodes, fittedTable, type Output, printWarnings, widthOf, wrapLines } from './output.ts'
import { type SteeringSummary, steeringSummary, summaryLines } from './steering-summary.ts'

type Options = { json?: boolean; topology?: string; world?: string; files?: boolean; strict?: boolean }

const examples = `
Examples:
  nearside check                        check the topology of the current folder
  nearside check deploy/nearside.yaml
  nearside check --json | jq '.error.problems[].path'

Exit codes: 0 valid, 1 invalid (with --strict, also if there are warnings),
2 usage error.`

/** Wrapped to the terminal, unlike output that is meant to be copied as it is. */
const printWrapped = (output: Output, text: string) => output.print(wrapLines(text, widthOf(process.stdout)))

function print(
  output: Output,
  { topology, file, appFolder }: LoadedTopology,
  warnings: number,
  steering: SteeringSummary | undefined,
): void {
  const rows = regionsOf(topology).map((region) => [
    region.name,
    region.role,
    region.address,
    `${region.location.lat}, ${region.location.lon}`,
  ])
  const mark =
    warnings === 0
      ? output.paint('green', 'ok')
      : output.paint('yellow', `ok, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`)
  printWrapped(output, `${printable(shownPath(file))}: ${mark}`)
  output.print()
  printWrapped(output, `World ${topology.name}, ${topology.domain}`)
  printWrapped(
    output,
    `App   ${printable(topology.app.command.join(' '))}, in ${printable(shownPath(appFolder))}, ${topology.app.instances} per full region`,
  )
  if (steering) for (const line of summaryLines(steering)) printWrapped(output, line)
  output.print()
  output.print(
    fittedTable(
      [{ head: 'REGION' }, { head: 'ROLE' }, { head: 'ADDRESS' }, { head: 'LOCATION' }],
      rows,
      widthOf(process.stdout),
      (text) => output.paint('bold', text),
    ),
  )
}

/** An editor file of another version would refuse keys that are right, or accept others. */
async function editorWarning(topologyFile: string): Promise<Problem[]> {
  const { name } = editorFileOf(topologyFile)
  const text = await readFile(join(dirname(topologyFile), name), 'utf8').catch(() => undefined)
  if (text === undefined || editorFileState(text) !== 'old') return []
  return [
    {
      path: '',
      message: `${name} has the keys of another version of Nearside`,
      remedy: 'run `nearside init --editor`',
    },
  ]
}

/** What keeps PostgreSQL itself from being asked: `nearside up` asks again, so that is no error. */
const unasked: readonly string[] = ['engine_root_missing', 'engine_root_broken', 'trial_timeout']

/** Has PostgreSQL check database.parameters, as `nearside up` does. Throws what it refuses. */
async function parameterWarnings({ topology, file, folder }: LoadedTopology): Promise<Problem[]> {
  try {
    await parametersAccepted(folder, { topology, topologyFile: file })
    return []
  } catch (error) {
    if (!(error instanceof NearsideError) || !unasked.includes(error.code)) throw error
    return [
      {
        path: 'database.parameters',
        message: `PostgreSQL has not been asked about them: ${error.message}`,
        remedy: '`nearside up` asks before it starts anything',
      },
    ]
  }
}

export function checkCommand(program: Command): void {
  program
    .command('check')
    .description('validate a topology file and list all of its problems')
    .argument('[file]', 'topology file or its folder (default: current folder)')
    .option('-t, --topology <file>', 'same as [file]')
    .option(
      '--no-files',
      'skip checks against this machine (app, program, GeoIP databases, PostgreSQL’s parameters)',
    )
    .option('--strict', 'treat warnings as errors')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        refuseConflict('check', { '[file]': args[0], '--topology': options.topology })
        refuseUnused('check', { '--world': options.world }, 'it reads a topology file')
        const loaded = await loadTopology(args[0] ?? options.topology ?? '.', {
          files: options.files !== false,
        })
        const { topology, file, folder, appFolder } = loaded
        const asked = options.files === false ? [] : await parameterWarnings(loaded)
        const machine = thisMachine()
        const warnings = [
          ...loaded.warnings,
          ...asked,
          ...(await editorWarning(file)),
          ...(options.files === false ? [] : edgeLimitWarnings(topology, machine)),
        ]
        const steering = options.files === false ? undefined : await steeringSummary(loaded)
        // Not the topology itself: its environment variables may be secrets, and CI keeps this output in its logs.
        output.result({
          ok: true,
          file,
          folder,
          appFolder,
          name: topology.name,
          domain: topology.domain,
          revision: revision(topology),
          regions: regionsOf(topology).map(({ env, ...region }) => region),
          ...(steering ? { steering } : {}),
          warnings,
        })
        print(output, loaded, warnings.length, steering)
        if (warnings.length > 0) output.print()
        printWarnings(output, warnings)
        return options.strict && warnings.length > 0 ? exitCodes.problem : exitCodes.ok
      }),
    )
}

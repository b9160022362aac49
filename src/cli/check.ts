import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { editorFileOf, editorFileState } from '../init/editor.ts'
import { shownPath } from '../lib/format.ts'
import { thisMachine } from '../lib/machine.ts'
import { printable } from '../lib/printable.ts'
import { type LoadedTopology, loadTopology } from '../topology/load.ts'
import type { Problem } from '../topology/problems.ts'
import { regionsOf } from '../topology/regions.ts'
import { revision } from '../topology/revision.ts'
import { edgeLimitWarnings } from '../world/edge-limits.ts'
import { action, exitCodes, type Output, printWarnings, table } from './output.ts'
import { type SteeringSummary, steeringSummary, summaryLines } from './steering-summary.ts'

type Options = { json?: boolean; topology?: string; files?: boolean; strict?: boolean }

const examples = `
Examples:
  nearside check                        check the topology of the current folder
  nearside check deploy/nearside.yaml
  nearside check --json | jq '.error.problems[].path'

Exit codes: 0 valid, 1 invalid (with --strict, also if there are warnings),
2 usage error.`

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
  output.print(`${printable(shownPath(file))}: ${mark}`)
  output.print()
  output.print(`World ${topology.name}, ${topology.domain}`)
  output.print(
    `App   ${printable(topology.app.command.join(' '))}, in ${printable(shownPath(appFolder))}, ${topology.app.instances} per full region`,
  )
  if (steering) for (const line of summaryLines(steering)) output.print(line)
  output.print()
  output.print(
    table([{ head: 'REGION' }, { head: 'ROLE' }, { head: 'ADDRESS' }, { head: 'LOCATION' }], rows, (text) =>
      output.paint('bold', text),
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

export function checkCommand(program: Command): void {
  program
    .command('check')
    .description('validate a topology file and list all of its problems')
    .argument('[file]', 'topology file or its folder (default: current folder)')
    .option('-t, --topology <file>', 'same as [file]')
    .option('--no-files', 'skip checks of files on this machine (app, program, GeoIP databases)')
    .option('--strict', 'treat warnings as errors')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const loaded = await loadTopology(args[0] ?? options.topology ?? '.', {
          files: options.files !== false,
        })
        const { topology, file, folder, appFolder } = loaded
        const machine = thisMachine()
        const warnings = [
          ...loaded.warnings,
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

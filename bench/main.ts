import { parseArgs } from 'node:util'
import { type Benchmark, type Figure, ratioOf, verdictOf } from './figure.ts'
import { describeMachine, renderMachine } from './machine.ts'
import { renderTable } from './table.ts'

const usage = `Usage: npm run bench -- [NAME...] [--runs N] [--json]

Measures this machine's Nearside: startup, footprint, failover, edge (default: all of them, about 20 minutes).
Each runs worlds of its own and stops them again. edge brings nginx and wrk, in a folder of their own beside the
engines (once, about a minute).

  --runs N   how often each is measured (default: startup 3, failover 10, edge 6)
  --json     figures as JSON on standard output

Example: npm run bench -- failover --runs 3
Exit status: 0 everything was measured, whatever came out; 1 something could not be; 2 wrong usage.
`

/** Loaded when it is their turn: what one of them needs does not disturb the others. */
const benchmarks: Record<string, () => Promise<Benchmark>> = {
  startup: async () => (await import('./startup.ts')).startup,
  footprint: async () => (await import('./footprint.ts')).footprint,
  failover: async () => (await import('./failover.ts')).failover,
  edge: async () => (await import('./edge.ts')).edge,
}

type Result = { name: string; how: string; figures?: Figure[]; error?: string }

function readArguments(): { names: string[]; runs: number | undefined; json: boolean } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { runs: { type: 'string' }, json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const unknown = positionals.filter((name) => !benchmarks[name])
  if (unknown.length > 0) throw new RangeError(`no benchmark is called ${unknown.join(', ')}`)
  const runs = values.runs === undefined ? undefined : Number(values.runs)
  if (runs !== undefined && !(Number.isInteger(runs) && runs >= 1))
    throw new RangeError(`--runs: expected a whole number from 1 on, got ${values.runs}`)
  return {
    names: positionals.length > 0 ? positionals : Object.keys(benchmarks),
    runs,
    json: values.json ?? false,
  }
}

async function measure(name: string, runs: number | undefined): Promise<Result> {
  const say = (line: string) => process.stderr.write(`${name}: ${line}\n`)
  const { how, run } = await benchmarks[name]!()
  try {
    return { name, how, figures: await run({ runs }, say) }
  } catch (error) {
    return { name, how, error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

function render({ name, how, figures, error }: Result): string {
  return `\n${name}\n${how}\n\n${figures ? renderTable(figures) : `could not be measured: ${error}\n`}`
}

function asJson({ name, how, figures, error }: Result) {
  const judged = figures?.map((figure) => ({ ...figure, ratio: ratioOf(figure), verdict: verdictOf(figure) }))
  return { name, how: how.replaceAll('\n', ' '), figures: judged, error }
}

// Whatever was started ends with this process (see the harness of the tests), so an interruption only has to end it.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const)
  process.once(signal, () => process.exit(128 + number))

let chosen: ReturnType<typeof readArguments>
try {
  chosen = readArguments()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exit(2)
}
const machine = describeMachine()
if (!chosen.json) process.stdout.write(renderMachine(machine))
const results: Result[] = []
for (const name of chosen.names) {
  const result = await measure(name, chosen.runs)
  results.push(result)
  if (!chosen.json) process.stdout.write(render(result))
}
if (chosen.json)
  process.stdout.write(`${JSON.stringify({ machine, benchmarks: results.map(asJson) }, null, 2)}\n`)
process.exit(results.some(({ error }) => error !== undefined) ? 1 : 0)

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Chosen, readArguments } from './arguments.ts'
import { type Section, updateDocument } from './document.ts'
import { type Benchmark, type Figure, type Options, ratioOf, verdictOf } from './figure.ts'
import { describeMachine, type Machine, renderMachine } from './machine.ts'
import { peerVersions } from './peers.ts'
import { renderTable } from './table.ts'

/** Each is loaded when it runs, so that the needs of one do not disturb the others. */
const benchmarks: Record<string, { about: string; load: () => Promise<Benchmark> }> = {
  users: {
    about: 'latency of users across a continent, in a lab: one region, two and three',
    load: async () => (await import('./users.ts')).users,
  },
  startup: {
    about: 'first and second `nearside up`',
    load: async () => (await import('./startup.ts')).startup,
  },
  footprint: {
    about: 'memory and idle CPU time',
    load: async () => (await import('./footprint.ts')).footprint,
  },
  failover: {
    about: 'loss of the primary’s region, on one machine',
    load: async () => (await import('./failover.ts')).failover,
  },
  'region-loss': {
    about: 'the same in a lab, at its distance, compared with Patroni alone',
    load: async () => (await import('./region-loss.ts')).regionLoss,
  },
  lag: { about: 'replication lag in a lab', load: async () => (await import('./lag.ts')).lag },
  durability: {
    about: 'the cost of waiting for another region per commit, in a lab',
    load: async () => (await import('./durability.ts')).durability,
  },
  edge: { about: 'requests compared with nginx', load: async () => (await import('./edge.ts')).edge },
  'edge-cache': {
    about: 'a full cache and slow readers, compared with nginx',
    load: async () => (await import('./edge-cache.ts')).edgeCache,
  },
  cache: {
    about: 'the public tests for HTTP caches, compared with nginx and plain Varnish',
    load: async () => (await import('./cache.ts')).cache,
  },
  dns: {
    about: 'answers compared with gdnsd and PowerDNS',
    load: async () => (await import('./dns.ts')).dns,
  },
  wan: { about: 'the lab’s shaper', load: async () => (await import('./wan.ts')).wan },
}
const names = Object.keys(benchmarks)
const document = join(import.meta.dirname, '../docs/internals/benchmarks.md')

const usage = `Usage: npm run bench -- [all | NAME...] [--runs N] [--seed N] [--write] [--json]

Measures Nearside on this machine. A name also selects the benchmarks that begin with it: edge, edge-cache. Each
starts worlds of its own and stops them again:

${names.map((name) => `  ${name.padEnd(12)} ${benchmarks[name]!.about}\n`).join('')}
The first run installs the programs to compare with (nginx, wrk, gdnsd, PowerDNS, dnsperf) beside the engines.
Benchmarks with distances run in a lab and need root.

  --runs N   how often each is measured (default: its own number)
  --seed N   seed for everything random (default: 1)
  --write    also write the results into docs/internals/benchmarks.md; other sections stay
  --json     figures as JSON on standard output

Example: npm run bench -- failover --runs 3
Exit codes: 0 everything was measured, whether targets were met or not; 1 a benchmark failed; 2 wrong usage.
`

type Result = {
  name: string
  title: string
  how: string
  peers: readonly string[]
  figures?: Figure[]
  error?: string
}

async function measure(name: string, { runs, seed }: Options): Promise<Result> {
  const say = (line: string) => process.stderr.write(`${name}: ${line}\n`)
  const { title, how, peers, run } = await benchmarks[name]!.load()
  try {
    const versions = peers ? await peerVersions(peers) : []
    return { name, title, how, peers: versions, figures: await run({ runs, seed }, say) }
  } catch (error) {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { name, title, how, peers: [], error: why }
  }
}

function render({ name, how, figures, error }: Result): string {
  return `\n${name}\n${how}\n\n${figures ? renderTable(figures) : `could not measure: ${error}\n`}`
}

function asJson({ name, how, peers, figures, error }: Result) {
  const evaluated = figures?.map((figure) => ({
    ...figure,
    ratio: ratioOf(figure),
    verdict: verdictOf(figure),
  }))
  return { name, how: how.replaceAll('\n', ' '), peers, figures: evaluated, error }
}

/** After each benchmark, so that a later failure does not lose it. */
function writeDown(machine: Machine, { runs, seed }: Options, result: Result): void {
  if (!result.figures) return
  const { name, title, how, peers, figures } = result
  const words = [name, ...(runs === undefined ? [] : [`--runs ${runs}`]), `--seed ${seed}`].join(' ')
  const date = new Date().toISOString().slice(0, 10)
  const section: Section = { name, title, how, figures, machine, peers, date, words }
  const before = existsSync(document) ? readFileSync(document, 'utf8') : ''
  writeFileSync(document, updateDocument(before, [section], names))
}

// Everything that was started ends with this process (see the tests' harness), so an interruption only has to end it.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const)
  process.once(signal, () => process.exit(128 + number))

let chosen: Chosen
try {
  chosen = readArguments(process.argv.slice(2), names)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n\n${usage}`)
  process.exit(2)
}
if (chosen.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const results: Result[] = []
for (const name of chosen.names) {
  const machine = describeMachine()
  if (!chosen.json && results.length === 0) process.stdout.write(renderMachine(machine))
  const result = await measure(name, chosen)
  results.push(result)
  if (!chosen.json) process.stdout.write(render(result))
  if (chosen.write) writeDown(machine, chosen, result)
}
if (chosen.json)
  process.stdout.write(
    `${JSON.stringify({ machine: describeMachine(), benchmarks: results.map(asJson) }, null, 2)}\n`,
  )
process.exit(results.some(({ error }) => error !== undefined) ? 1 : 0)

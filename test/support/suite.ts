import { globSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { home, needsEngines, rankOf } from './needs.ts'
import { worldPlaces } from './world/world-lock.ts'

/**
 * Runs test files in parallel, with the report of each file in one block:
 *
 *     node suite.ts --places 3 --timeout 60000 [--quick] [--coverage] FILE_OR_PATTERN…
 *
 * Starts files in the order of `rankOf`, so that no long file is left for the end. At most `worldPlaces` files with a
 * world run at a time, because others would only wait (world/world-lock.ts). Tests without a world have a lower CPU
 * priority: a world loses its leader lock when its processes do not run for some seconds. `--quick` runs only tests that
 * need no engine. `--coverage` prints the line coverage of src/.
 */
const { values, positionals: patterns } = parseArgs({
  options: {
    places: { type: 'string' },
    timeout: { type: 'string' },
    quick: { type: 'boolean' },
    coverage: { type: 'boolean' },
  },
  allowPositionals: true,
})
const [places, timeout] = [Number(values.places), Number(values.timeout)]
/** Files that take longer are listed at the end, as candidates for a faster suite. */
const longSeconds = values.quick ? 5 : 15

const all = [...new Set(globSync(patterns).map((file) => resolve(file)))].sort()
const ranks = new Map(all.map((file) => [file, rankOf(relative(home, file))]))
const files = all
  .filter((file) => !values.quick || !needsEngines(relative(home, file)))
  .sort((a, b) => Math.min(ranks.get(a)!, 1000) - Math.min(ranks.get(b)!, 1000))
if (files.length === 0) throw new Error(`no test file matches ${patterns.join(' or ')}`)

function hasWorld(file: string): boolean {
  const text = readFileSync(file, 'utf8')
  // A world in its own networks is cut off most of the time, and does not wait for others.
  return (
    /\b(startWorld|TestWorld\.make|labPlace|takeWorldLock)\(/.test(text) && !/\bstartNetworks\(/.test(text)
  )
}

type RunOptions = Pick<
  NonNullable<Parameters<typeof run>[0]>,
  'coverage' | 'coverageIncludeGlobs' | 'execArgv'
>

/** Processes that a test starts inherit its priority. */
const lowPriority = { execArgv: ['--import', join(import.meta.dirname, 'low-priority.ts')] }

const startedMs = performance.now()
const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
const report = new spec()
report.pipe(process.stdout)
const tell = (message: string) =>
  report.write({ type: 'test:diagnostic', data: { nesting: 0, message, level: 'info' } })
const counts: Record<string, number> = {}
const long: { file: string; seconds: number }[] = []
let success = true

/** Runs files, and prints the output of each in one block once it has ended. */
async function work(some: string[], concurrency: number, options: RunOptions = {}): Promise<void> {
  let said: TestEvent[] = []
  const events = run({ files: some, concurrency, timeout, signal: stopping.signal, ...options })
  for await (const event of events) {
    const { type, data } = event as TestEvent
    const file = data && 'file' in data ? data.file : undefined
    if (type === 'test:coverage') report.write(event)
    else if (file) said.push(event)
    else if (type === 'test:summary') {
      for (const [what, count] of Object.entries(data.counts)) counts[what] = (counts[what] ?? 0) + count
      success &&= data.success
    }
    if (!file || type !== 'test:summary') continue
    const seconds = Math.round(data.duration_ms / 1000)
    if (seconds >= longSeconds) long.push({ file: relative('.', file), seconds })
    for (const one of said) report.write(one)
    said = []
  }
  for (const one of said) report.write(one)
}

/** Runs each file as soon as a place for it is free. */
async function takeTurns(): Promise<void> {
  const waiting = files.map((file) => ({ file, world: hasWorld(file) }))
  let worlds = 0
  const turns = async () => {
    for (;;) {
      if (stopping.signal.aborted) return
      const next = waiting.findIndex(({ world }) => !world || worlds < worldPlaces)
      if (next === -1) return
      const [{ file, world }] = waiting.splice(next, 1) as [(typeof waiting)[number]]
      if (world) worlds += 1
      await work([file], 1, world ? {} : lowPriority)
      if (world) worlds -= 1
    }
  }
  await Promise.all(Array.from({ length: places }, turns))
}

// Node computes coverage per run.
if (values.coverage) await work(files, places, { coverage: true, coverageIncludeGlobs: ['src/**/*.ts'] })
else await takeTurns()

const duration_ms = Math.round(performance.now() - startedMs)
for (const { file, seconds } of long.sort((a, b) => b.seconds - a.seconds)) tell(`${seconds} s: ${file}`)
const { tests, suites, passed: pass, failed: fail, cancelled, skipped, todo } = counts
const shown = { tests, suites, pass, fail, cancelled, skipped, todo, duration_ms }
for (const [what, count] of Object.entries(shown)) tell(`${what} ${count}`)
// Repeats the failures.
report.end({ type: 'test:summary', data: { success, counts, duration_ms, file: undefined } })
process.exitCode = success && !stopping.signal.aborted ? 0 : 1

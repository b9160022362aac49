import { globSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { run } from 'node:test'
import { spec, type TestEvent } from 'node:test/reporters'
import { parseArgs } from 'node:util'
import { home, needsEngines } from './needs.ts'

/**
 * Runs test files in two parallel queues with one report:
 *
 *     node suite.ts --places 2 --timeout 60000 [--quick] FILE_OR_PATTERN…
 *
 * Tests with a world wait for each other (world/world-lock.ts). In a single queue, they would occupy every place of a
 * small machine, all but one of them waiting. So they share one place, and tests without a world use the others. With
 * `--quick`, only tests that need no engine run.
 */
const { values, positionals: patterns } = parseArgs({
  options: { places: { type: 'string' }, timeout: { type: 'string' }, quick: { type: 'boolean' } },
  allowPositionals: true,
})
const [places, timeout] = [Number(values.places), Number(values.timeout)]
/** Files that take longer are listed at the end, as candidates for a faster suite. */
const longSeconds = values.quick ? 5 : 15

const all = [...new Set(globSync(patterns).map((file) => resolve(file)))].sort()
const files = values.quick ? all.filter((file) => !needsEngines(relative(home, file))) : all
if (files.length === 0) throw new Error(`no test file matches ${patterns.join(' or ')}`)
const hasWorld = (file: string) => {
  const text = readFileSync(file, 'utf8')
  // A world in its own networks is cut off most of the time, and does not wait for others.
  return (
    /\b(startWorld|TestWorld\.make|labPlace|takeWorldLock)\(/.test(text) && !/\bstartNetworks\(/.test(text)
  )
}
const worlds = files.filter(hasWorld)
const others = files.filter((file) => !hasWorld(file))
const two = places > 1 && worlds.length > 0 && others.length > 0

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

/** Runs up to `concurrency` of these files at a time. */
async function work(queue: string[], concurrency: number): Promise<void> {
  // With two queues, print the output of each file in one block once it has ended.
  let said: TestEvent[] = []
  for await (const event of run({ files: queue, concurrency, timeout, signal: stopping.signal })) {
    const { type, data } = event as TestEvent
    const file = data && 'file' in data ? data.file : undefined
    if (file) said.push(event)
    else if (type === 'test:summary') {
      for (const [what, count] of Object.entries(data.counts)) counts[what] = (counts[what] ?? 0) + count
      success &&= data.success
    }
    if (file && type === 'test:summary') {
      const seconds = Math.round(data.duration_ms / 1000)
      if (seconds >= longSeconds) long.push({ file: relative('.', file), seconds })
    } else if (two) continue
    for (const one of said) report.write(one)
    said = []
  }
  for (const one of said) report.write(one)
}

if (two) await Promise.all([work(worlds, 1), work(others, places - 1)])
else await work([...others, ...worlds], places)

const duration_ms = Math.round(performance.now() - startedMs)
for (const { file, seconds } of long.sort((a, b) => b.seconds - a.seconds)) tell(`${seconds} s: ${file}`)
const { tests, suites, passed: pass, failed: fail, cancelled, skipped, todo } = counts
const shown = { tests, suites, pass, fail, cancelled, skipped, todo, duration_ms }
for (const [what, count] of Object.entries(shown)) tell(`${what} ${count}`)
// Repeats the failures.
report.end({ type: 'test:summary', data: { success, counts, duration_ms, file: undefined } })
process.exitCode = success && !stopping.signal.aborted ? 0 : 1

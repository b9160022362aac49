import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { distanceKm } from '../../src/geo/distance.ts'
import { rttModel } from '../../src/geo/rtt.ts'
import { measuredRoundTrips } from './data.ts'
import { type Fit, fitError, fitRtt } from './line.ts'

/**
 * Fits the round-trip model to one set of measurements and checks it on others:
 *
 *     node scripts/rtt/fit.ts FOLDER-OR-FILE [FOLDER-OR-FILE...]
 *
 * Each argument is a set: a file, or a folder of CSV and JSON files (see scripts/rtt/data.ts for the formats).
 */
const sets = process.argv.slice(2).map((path) => {
  const files = statSync(path).isDirectory() ? readdirSync(path).map((name) => join(path, name)) : [path]
  const data = files.filter((file) => /\.(csv|json)$/.test(file))
  return {
    path,
    measured: measuredRoundTrips(data.map((name) => ({ name, text: readFileSync(name, 'utf8') }))),
  }
})
const [first] = sets
if (!first) {
  console.error('usage: node scripts/rtt/fit.ts FOLDER-OR-FILE [FOLDER-OR-FILE...]')
  process.exit(1)
}
const near = 3000
const fit = fitRtt(first.measured)
report(`fitted on ${first.path}`, fit)
report('in src/geo/rtt.ts', rttModel)

function report(title: string, model: Fit): void {
  console.log(`${title}: path factor ${model.pathFactor}, constant ${model.constantMs} ms`)
  for (const { path, measured } of sets) {
    const within = measured.filter(({ from, to }) => distanceKm(from, to) <= near)
    for (const [which, pairs] of [
      ['all', measured],
      [`within ${near} km`, within],
    ] as const) {
      const { medianMs, p95Ms, medianShare, p95Share, pairs: count } = fitError(pairs, model)
      const share = (value: number) => `${(value * 100).toFixed(0)} %`
      console.log(
        `  ${path}, ${which}: ${count} pairs, error median ${medianMs.toFixed(1)} ms (${share(medianShare)}), ` +
          `95th percentile ${p95Ms.toFixed(1)} ms (${share(p95Share)})`,
      )
    }
  }
}

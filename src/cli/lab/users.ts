import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { ask } from '../../engines/knot/ask.ts'
import { type Lab, labOf } from '../../lab/lab.ts'
import { usersPage } from '../../lab/users/report/page.ts'
import { runUsers } from '../../lab/users/run.ts'
import { NearsideError } from '../../lib/errors.ts'
import { count, duration, list, milliseconds, rate, shownPath } from '../../lib/format.ts'
import { findLab, findWorld, openWorldHere, type WorldOptions } from '../../world/find.ts'
import type { WorldHandle } from '../../world/handle.ts'
import { onInterrupt } from '../interrupt.ts'
import { action, exitCodes, type Output } from '../output.ts'
import { quantityOption, seedNumber } from '../quantity-option.ts'
import { writable } from '../writable.ts'
import { mixOf, mustAskSomething, placesOf, usersRate, usersTime } from './users-input.ts'
import { usersText } from './users-text.ts'

type Options = WorldOptions & {
  rate: number
  mix: string
  places: string
  for: number
  seed?: number
  report?: string
  json?: boolean
}

const examples = `
Examples:
  nearside lab users --rate 200/s --mix checkout --places us --for 60s
  nearside lab users --places europe --seed 7 --report users.html
  nearside lab users --places Boston,Denver,Seattle --rate 20/s
  nearside lab users --mix my-app.yaml --json | jq .slo

Open-loop load: users arrive whether or not earlier requests were answered, and
latency counts from the time a request was due. Each user resolves the domain
at a name server with its own client subnet, then connects to the returned
region from its city's address. --rate counts page requests; assets and
redirects come on top. Places are us, europe, world, cities (Portland:ME) or a
CSV file with the columns place,lat,lon,weight or city,weight. For mixes, see
docs/operate/simulated-users.md.

In a lab, users have the latency of their cities. In other worlds they are on
this machine, without latency.
Exit codes: 0 SLO met, 1 SLO missed or no answers, 2 usage error,
130 stopped by Ctrl-C (with a report).`

export function usersCommand(lab: Command): void {
  lab
    .command('users')
    .description('simulate users in real cities and report latency and errors')
    .addOption(
      quantityOption('--rate <rate>', 'page requests, e.g. 200/s or 90/min', usersRate).default(50, '50/s'),
    )
    .option('--mix <mix>', 'behaviour: browse, checkout or a file', 'browse')
    .option('--places <places>', 'location: us, europe, world, cities or a CSV file', 'us')
    .addOption(quantityOption('--for <time>', 'duration, e.g. 60s or 5min', usersTime).default(30_000, '30s'))
    .addOption(quantityOption('--seed <number>', 'repeat the visits of an earlier run', seedNumber))
    .option('--report <file>', 'also write an HTML report')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options }) => users(output, options)))
}

async function users(output: Output, options: Options): Promise<number> {
  mustAskSomething(options.rate, options.for)
  const mix = await mixOf(options.mix)
  const { world, lab } = await worldAndLab(options)
  const seed = options.seed ?? Math.floor(Math.random() * 1e6)
  const places = await placesOf(options.places)
  const report = options.report === undefined ? undefined : await writable('report', options.report)
  await mustAnswer(world, lab !== undefined)

  const { signal } = onInterrupt(output, 'leave')
  const live = output.json ? undefined : output.live()
  const result = await runUsers({
    world,
    lab,
    ratePerSecond: options.rate,
    mix,
    places,
    placesText: options.places,
    forMs: options.for,
    seed,
    signal,
    onStart(job) {
      const away = lab ? 'with the latency of their cities' : 'on this machine without latency'
      output.note(
        `${world.name}: ${rate(options.rate)} requests/s for ${duration(options.for / 1000)} from users in ${count(job.places.length, 'place')}, ${away}; seed ${seed}`,
      )
      if (job.places.every(({ subnets }) => subnets.length === 0))
        output.note('steering.geoip has no city database, so DNS queries carry no client subnet')
    },
    onProgress({ atMs, requests, failed, p50, p95 }) {
      if (atMs < 0) return live?.draw(['warming up; not counted'])
      const failures = failed === 0 ? '' : `, ${failed} failed`
      live?.draw([
        `${duration(atMs / 1000)} of ${duration(options.for / 1000)}: ${requests} requests/s, p50 ${milliseconds(p50)}, p95 ${milliseconds(p95)}${failures}`,
      ])
    },
  })
  live?.end('clear')

  output.result(result)
  output.print(usersText(result, output.paint))
  if (report !== undefined) {
    await writeFile(report, usersPage(result))
    output.note(`report: ${shownPath(report)}`)
  }
  if (result.stopped) return exitCodes.interrupted
  return result.slo.met ? exitCodes.ok : exitCodes.problem
}

/** The lab if there is one, otherwise the world. With --world, an exact match wins over the lab of that name. */
async function worldAndLab(options: WorldOptions): Promise<{ world: WorldHandle; lab?: Lab }> {
  const finders = options.world === undefined ? [findLab, findWorld] : [findWorld, findLab]
  const world = await openWorldHere(firstFound(finders, options))
  return world.record.lab ? { world, lab: labOf(world) } : { world }
}

const missingCodes = new Set(['world_not_found', 'lab_not_found', 'usage_world_unknown'])

function firstFound([first, second]: readonly (typeof findLab)[], options: WorldOptions): string {
  try {
    return first!(options, process.cwd())
  } catch (error) {
    if (!(error instanceof NearsideError && missingCodes.has(error.code))) throw error
    return second!(options, process.cwd())
  }
}

/** Fails early if the world is not up. */
async function mustAnswer(world: WorldHandle, isLab: boolean): Promise<void> {
  const { ports, domain } = world.record.topology
  const regions = world.regions.filter((region) => region.serves)
  const replies = await Promise.all(
    regions.map(({ address }) =>
      ask({ address, port: ports.dns }, { name: domain, type: 'A' }, { timeoutMs: 1500 }),
    ),
  )
  if (replies.some((reply) => reply !== undefined)) return
  throw new NearsideError(
    'users_no_answer',
    `${world.name}: no DNS server answers (${list(regions.map(({ name }) => name))})`,
    {
      remedy: isLab
        ? 'run `nearside lab up`, then `nearside status`'
        : 'run `nearside up`, then `nearside status`',
    },
  )
}

import type { Benchmark, Figure } from './figure.ts'
import { median, spreadOf } from './statistics.ts'
import { seconds, untilServed, withColdCaches, withShop } from './world.ts'

const defaultRuns = 3

export const startup: Benchmark = {
  name: 'startup',
  title: 'Starting a world',
  how: `From the start of \`nearside up --detach\` until it has returned and every edge has answered a page of its own region's app. First:
the shop in an empty folder, with nothing cached except the set-up's files (the set-up itself is not included). Second: after
\`nearside down\`, with its data.`,
  async run({ runs = defaultRuns }, say) {
    const first: number[] = []
    const second: number[] = []
    for (let run = 1; run <= runs; run += 1)
      await withColdCaches(() =>
        withShop(async (world) => {
          const up = () => world.up().then(() => untilServed(world))
          first.push(await seconds(up))
          await world.cli([], 'down')
          second.push(await seconds(up))
          say(
            `run ${run} of ${runs}: first ${first.at(-1)!.toFixed(1)} s, second ${second.at(-1)!.toFixed(1)} s`,
          )
        }),
      )
    return [...figures('first up of a new world', first, 30), ...figures('second up', second, 12)]
  },
}

function figures(what: string, measured: readonly number[], atMost: number): Figure[] {
  const common = { unit: 's', target: { atMost } } as const
  return [
    { what: `${what}, median of ${measured.length}`, value: median(measured), ...common },
    { what: `${what}, worst`, value: spreadOf(measured)[1], ...common },
  ]
}

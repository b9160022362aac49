import type { Command } from 'commander'
import { users } from '../../lab/faults/arguments.ts'
import { type Change, changed, contradiction, linkQuantities, wandersTooFar } from '../../lab/link-change.ts'
import { openLab } from '../../lab/open.ts'
import { labStatus } from '../../lab/status.ts'
import type { Link } from '../../lab/wan/index.ts'
import { unknown } from '../../lib/did-you-mean.ts'
import { NearsideError } from '../../lib/errors.ts'
import { list } from '../../lib/format.ts'
import type { WorldOptions } from '../../world/find.ts'
import { action, exitCodes, type Output, table } from '../output.ts'
import { quantityOption } from '../quantity-option.ts'
import { linkColumns, linkRow } from './render.ts'

type Options = WorldOptions & Change & { restore?: boolean; json?: boolean }

const examples = `
Examples:
  nearside lab link us-east us-west                                 what it is like
  nearside lab link us-east us-west --delay 40ms --loss 1%          both ways: a round trip of 80 ms
  nearside lab link us-east us-west --rate 100mbit --one-way        only from us-east to us-west
  nearside lab link us-east us-west --cut
  nearside lab link us-east us-west --cut-one-way                   what us-east sends does not arrive
  nearside lab link us-east us-west --restore                       as it was in the beginning
  nearside lab link --restore                                       every link

It is in force when the command returns, also for what is under way, and stays until it is changed again. For faults
that end by themselves see nearside lab fault.
Exit codes: 0 done, 1 the lab has no network, 2 wrong usage.`

export function linkCommand(lab: Command): void {
  lab
    .command('link')
    .description('show or change the link between two regions')
    .argument('[from]', 'a region')
    .argument('[to]', 'another one')
    .addOption(quantityOption('--delay <time>', 'one way, such as 40ms', linkQuantities.delay))
    .addOption(
      quantityOption('--jitter <time>', 'how far the delay varies, up and down', linkQuantities.delay),
    )
    .addOption(quantityOption('--loss <share>', 'share of packets lost, such as 1%', linkQuantities.loss))
    .addOption(
      quantityOption('--rate <bits>', 'limit, such as 100mbit; none for no limit', linkQuantities.rate),
    )
    .option('--cut', 'nothing arrives')
    .option('--no-cut', 'it arrives again')
    .option('--cut-one-way', 'nothing that the first region sends arrives at the second')
    .option('--one-way', 'only from the first region to the second')
    .option('--restore', 'as it was in the beginning')
    .option('--json', 'answer as JSON')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options, args }) => link(output, options, args)))
}

async function link(output: Output, options: Options, args: readonly string[]): Promise<number> {
  const wants = ['delay', 'jitter', 'loss', 'rate', 'cut', 'cutOneWay'].filter((name) => name in options)
  const opposite = contradiction(options, process.argv.slice(2))
  if (opposite !== undefined) throw new NearsideError('usage_link', opposite, { remedy: 'say one of them' })
  if (options.restore && wants.length > 0)
    throw usage('--restore', 'stands alone: it takes back everything else')
  if (args.length === 0 && !options.restore) throw usage('from', 'expected two regions, or --restore alone')
  const lab = await openLab(options)
  const names = lab.regions.map((region) => region.name)
  if (args.includes(users) && !names.includes(users))
    throw new NearsideError(
      'usage_link',
      `${users}: expected a region; this is about links between regions`,
      {
        remedy: 'nearside lab fault slow-link, lossy-link and cut are about links of the users, too',
      },
    )
  for (const name of args) if (!names.includes(name)) unknown('region', name, names)
  if (args.length === 1)
    throw usage('to', `expected a second region: ${list(names.filter((one) => one !== args[0]))}`)
  if (args.length === 2 && args[0] === args[1]) throw usage('to', `${args[0]} has no link to itself`)

  const shaper = await lab.wan()
  try {
    const oneWay = options.oneWay || options.cutOneWay
    const meant = ({ from, to }: Pick<Link, 'from' | 'to'>) =>
      args.length === 0 ||
      (from === args[0] && to === args[1]) ||
      (!oneWay && from === args[1] && to === args[0])
    const links = (await shaper.params()).filter(
      (one) => names.includes(one.from) && names.includes(one.to) && meant(one),
    )
    if (options.restore)
      await shaper.set(links.map((one) => ({ ...one, params: lab.base(one.from, one.to) })))
    else if (wants.length > 0) {
      const wanted = links.map((one) => ({ ...one, params: changed(one.params, options) }))
      const odd = wanted.find(({ params }) => wandersTooFar(params))
      if (odd && (options.delay !== undefined || options.jitter !== undefined))
        throw usage(
          options.jitter === undefined ? '--delay' : '--jitter',
          `the delay from ${odd.from} to ${odd.to} would be ${odd.params.delayMs} ms ± ${odd.params.jitterMs} ms: expected a jitter of at most the delay`,
        )
      await shaper.set(wanted)
    }
    const { links: now } = await labStatus(lab.world)
    const shown = now.filter(meant)
    output.result(shown)
    output.print(
      table(
        linkColumns,
        shown.map((one) => linkRow(one, output.paint)),
        (text) => output.paint('dim', text),
      ),
    )
    return exitCodes.ok
  } finally {
    shaper.close()
  }
}

const usage = (what: string, message: string) =>
  new NearsideError('usage_link', `${what}: ${message}`, { remedy: 'see nearside lab link --help' })

import type { Command } from 'commander'
import { users } from '../../lab/faults/arguments.ts'
import {
  type Change,
  changed,
  contradiction,
  jitterExceedsDelay,
  linkQuantities,
} from '../../lab/link-change.ts'
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
  nearside lab link us-east us-west                   show it
  nearside lab link us-east us-west --delay 40ms      round trip 80 ms
  nearside lab link us-east us-west --rate 100mbit --one-way
  nearside lab link us-east us-west --cut
  nearside lab link us-east us-west --restore         original settings
  nearside lab link --restore                         all links

Changes apply to both directions unless --one-way is given. They take effect
before the command returns, also for packets in flight, and last until changed
again. For faults that heal themselves, see nearside lab fault.
Exit codes: 0 success, 1 the lab has no network, 2 usage error.`

export function linkCommand(lab: Command): void {
  lab
    .command('link')
    .description('show or change the link between two regions')
    .argument('[from]', 'region')
    .argument('[to]', 'other region')
    .addOption(quantityOption('--delay <time>', 'one-way delay, e.g. 40ms', linkQuantities.delay))
    .addOption(quantityOption('--jitter <time>', 'maximum deviation from the delay', linkQuantities.delay))
    .addOption(quantityOption('--loss <share>', 'packet loss, e.g. 1%', linkQuantities.loss))
    .addOption(quantityOption('--rate <bits>', 'rate limit, e.g. 100mbit, or none', linkQuantities.rate))
    .option('--cut', 'drop all packets')
    .option('--no-cut', 'deliver packets again')
    .option('--cut-one-way', 'drop all packets from the first region to the second')
    .option('--one-way', 'change only the direction from the first to the second')
    .option('--restore', 'restore the original settings')
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(action<Options>(({ output, options, args }) => link(output, options, args)))
}

async function link(output: Output, options: Options, args: readonly string[]): Promise<number> {
  const wants = ['delay', 'jitter', 'loss', 'rate', 'cut', 'cutOneWay'].filter((name) => name in options)
  const opposite = contradiction(options, process.argv.slice(2))
  if (opposite !== undefined)
    throw new NearsideError('usage_link', opposite, { remedy: 'pass only one of them' })
  if (options.restore && wants.length > 0) throw usage('--restore', 'cannot be combined with other changes')
  if (args.length === 0 && !options.restore) throw usage('from', 'expected two regions, or only --restore')
  const lab = await openLab(options)
  const names = lab.regions.map((region) => region.name)
  if (args.includes(users) && !names.includes(users))
    throw new NearsideError(
      'usage_link',
      `${users}: expected a region, because this command changes links between regions`,
      {
        remedy: 'use `nearside lab fault` with slow-link, lossy-link or cut for links of users',
      },
    )
  for (const [i, name] of args.entries()) {
    const accepted = i === 0 ? names : names.filter((one) => one !== args[0])
    if (!names.includes(name)) unknown('region', name, accepted)
  }
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
      const odd = wanted.find(({ params }) => jitterExceedsDelay(params))
      if (odd && (options.delay !== undefined || options.jitter !== undefined))
        throw usage(
          options.jitter === undefined ? '--delay' : '--jitter',
          `the delay from ${odd.from} to ${odd.to} would be ${odd.params.delayMs} ms ± ${odd.params.jitterMs} ms; expected jitter no larger than the delay`,
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
  new NearsideError('usage_link', `${what}: ${message}`, { remedy: 'see `nearside lab link --help`' })

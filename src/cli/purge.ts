import type { Command } from 'commander'
import { type PurgeOutcome, purgeRequest } from '../agent/traffic/purge-request.ts'
import { NearsideError } from '../lib/errors.ts'
import { list } from '../lib/format.ts'
import { type WorldOptions, worldOf } from '../world/find.ts'
import { regionNamed, type WorldHandle } from '../world/handle.ts'
import { type PurgeBody, purgeWorld } from '../world/purge.ts'
import { action, exitCodes } from './output.ts'

type Options = WorldOptions & {
  all?: boolean
  pages?: boolean
  host?: string
  region?: string[]
  json?: boolean
}

const examples = `
Examples:
  nearside purge                        every page, in all regions
  nearside purge /products/7            one path, with every query string
  nearside purge "/products/*"          every path that begins with /products/
  nearside purge --all                  static files as well
  nearside purge --all --region us-west

A path covers all of its hosts, languages and other variants, and static files.
A region that is unreachable purges before anything else when it is back.
Exit codes: 0 purged everywhere, 1 not in every region, 2 usage error.`

export function purgeCommand(program: Command): void {
  program
    .command('purge')
    .description('remove responses from the caches')
    .argument('[path]', 'path to remove; * at the end matches any continuation')
    .option('--pages', 'every response that is not of app.static (the default without a path)')
    .option('--all', 'everything; HAProxy reloads to empty its memory')
    .option('--host <name>', 'only this host’s responses of the path')
    .option(
      '-r, --region <name>',
      'only in this region; repeat for several',
      (name: string, before: string[] = []) => [...before, name],
    )
    .option('--json', 'print JSON')
    .addHelpText('after', examples)
    .action(
      action<Options>(async ({ output, options, args }) => {
        const world = await worldOf(options)
        const body = bodyOf(world, args[0], options)
        const result = await purgeWorld(world, body)
        output.result(result)
        for (const [region, outcome] of Object.entries(result.regions))
          output.print(`${region}: ${outcomeText(outcome)}`)
        const done = Object.values(result.regions).every(({ outcome }) => outcome === 'purged')
        return done ? exitCodes.ok : exitCodes.problem
      }),
    )
}

function bodyOf(world: WorldHandle, path: string | undefined, options: Options): PurgeBody {
  const { all = false, pages = false, host, region = [] } = options
  const given = [
    ...(path === undefined ? [] : ['a path']),
    ...(pages ? ['--pages'] : []),
    ...(all ? ['--all'] : []),
  ]
  if (given.length > 1)
    throw new NearsideError(
      'usage_purge_scope',
      `expected one of a path, --pages and --all, got ${list(given)}`,
    )
  if (host !== undefined && path === undefined)
    throw new NearsideError('usage_purge_host', '--host: expected a path with it', {
      remedy: 'write `nearside purge "/*" --host NAME` for everything of a host',
    })
  const caching = world.regions.filter((one) => one.serves)
  for (const name of region) regionNamed(world, name, caching)
  const body: PurgeBody = {
    ...(path === undefined ? { scope: all ? 'all' : 'pages' } : { scope: 'path', path: asSent(path) }),
    ...(host === undefined ? {} : { host }),
    ...(region.length === 0 ? {} : { regions: region }),
  }
  checked(
    body,
    caching.map((one) => one.name),
  )
  return body
}

/** The agent checks the same. Here it is the command line that is wrong. */
function checked(body: PurgeBody, caching: readonly string[]): void {
  try {
    purgeRequest(body, caching)
  } catch (error) {
    if (!(error instanceof NearsideError)) throw error
    const { message, remedy } = error
    throw new NearsideError('usage_purge', message, remedy === undefined ? {} : { remedy })
  }
}

/** The path as a browser sends it. */
function asSent(path: string): string {
  if (!path.startsWith('/'))
    throw new NearsideError(
      'usage_purge_path',
      `path: expected a path that begins with /, got ${JSON.stringify(path)}`,
      {
        remedy: /^https?:\/\//.test(path)
          ? `write the path alone: "${URL.parse(path)?.pathname ?? '/'}"; --host limits it to a host`
          : `write "/${path}"`,
      },
    )
  return path.replaceAll(/[^\x21-\x7e]+/g, (text) => encodeURIComponent(text.toWellFormed()))
}

function outcomeText(outcome: PurgeOutcome): string {
  if (outcome.outcome === 'failed') return `failed: ${outcome.why}; its agent keeps trying`
  return outcome.outcome === 'purged' ? 'purged' : 'unreachable; it will purge when it is back'
}

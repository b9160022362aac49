import { readFile, stat } from 'node:fs/promises'
import { basename, extname, resolve } from 'node:path'
import { parse as parseYaml } from 'yaml'
import { loadCities } from '../../geo/cities.ts'
import { checkMix, type Mix } from '../../lab/users/plan/mix.ts'
import { parsePlaces, type UserPlace } from '../../lab/users/plan/places.ts'
import type { PlacesFile } from '../../lab/users/plan/places-file.ts'
import { mixNames, shopMix } from '../../lab/users/plan/shop-mixes.ts'
import { didYouMean } from '../../lib/did-you-mean.ts'
import { messageOf, NearsideError } from '../../lib/errors.ts'
import { durationMs, perSecond } from '../../lib/quantities.ts'

/** Parses the options of `nearside lab users`. */

export async function mixOf(text: string): Promise<Mix> {
  const built = mixNames.find((name) => name === text)
  if (built) return shopMix(built)
  const content = await readIfThere(text)
  if (content === undefined) {
    throw new NearsideError(
      'usage_mix_unknown',
      `mix: expected ${mixNames.join(', ')} or a file, got ${JSON.stringify(text)}`,
      {
        remedy:
          didYouMean(text, mixNames) ?? 'no such file; docs/operate/simulated-users.md shows the format',
      },
    )
  }
  const input = (() => {
    try {
      return parseYaml(content) as unknown
    } catch (error) {
      throw new NearsideError(
        'usage_mix',
        `${text}: not valid YAML or JSON: ${messageOf(error).split('\n')[0]!.replace(/:$/, '')}`,
        { remedy: 'docs/operate/simulated-users.md describes the format of a mix' },
      )
    }
  })()
  return checkMix(input, basename(text))
}

export async function placesOf(text: string): Promise<UserPlace[]> {
  const looksLikeFile = extname(text).toLowerCase() === '.csv' || text.includes('/')
  const content = looksLikeFile ? await readIfThere(text) : undefined
  if (looksLikeFile && content === undefined)
    throw new NearsideError('usage_places', `places: no such file: ${resolve(text)}`, {
      remedy: 'pass a CSV file, or us, europe, world or cities',
    })
  const file: PlacesFile | undefined =
    content === undefined ? undefined : { name: basename(text), text: content }
  return parsePlaces(text, await loadCities(), file)
}

/** Larger than any reasonable mix or list of places. */
const largestBytes = 10 * 1024 ** 2

async function readIfThere(path: string): Promise<string | undefined> {
  const about = await stat(path).catch(() => undefined)
  if (!about) return undefined
  if (!about.isFile() || about.size > largestBytes)
    throw new NearsideError('usage_file', `${path}: expected a file of at most 10 MB`)
  return readFile(path, 'utf8')
}

export const usersRate = perSecond({
  noun: 'number of requests',
  above: 0,
  most: 50_000,
  example: '200/s or 90/min',
})
export const usersTime = durationMs({ least: 1000, most: 24 * 3_600_000, example: '60s or 5min' })

/** Fails early instead of running without a single request. */
export function mustAskSomething(perSecond: number, forMs: number): void {
  const expected = (perSecond * forMs) / 1000
  if (expected >= 1) return
  throw new NearsideError(
    'usage_users_rate',
    `rate: ${Number((perSecond * 3600).toPrecision(3))} requests/h for ${forMs / 1000} s is less than one request`,
    { remedy: `use a higher rate, or a longer run: --for ${Math.ceil(1 / perSecond)}s` },
  )
}

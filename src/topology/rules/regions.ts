import { didYouMean } from '../../lib/did-you-mean.ts'
import { regionsOf } from '../regions.ts'
import { counted, type Rule, repeated } from './rule.ts'

const roles = ['regions.*.role']

const noMajority = { at: ['regions'], code: 'topology_no_majority' } as const

export const regionRules: Rule[] = [
  {
    reads: roles,
    find: (topology) => {
      const voting = regionsOf(topology).filter((region) => region.votes)
      const got = counted(
        voting.map((region) => region.name),
        'voting region',
      )
      const full = voting.filter((region) => region.full).length
      if (voting.length >= 3 && voting.length % 2 === 1) return []
      if (voting.length === 0)
        return [
          {
            ...noMajority,
            message: 'expected at least 3 voting regions, got none',
            remedy: 'add two full regions and a third with role "witness"',
          },
        ]
      if (voting.length === 1)
        return [
          {
            ...noMajority,
            message: `expected at least 3 voting regions, got ${got}: if it fails, no region is left to decide`,
            remedy:
              full === 1
                ? 'add a second full region and a third with role "witness"'
                : 'add two full regions',
          },
        ]
      if (voting.length === 2)
        return [
          {
            ...noMajority,
            message: `expected an odd number of voting regions, got ${got}: if one fails, the other has no majority`,
            remedy: 'add a third region with role "witness"',
          },
        ]
      return [
        {
          ...noMajority,
          message: `expected an odd number of voting regions, got ${got}: if a partition splits them in half, neither side has a majority`,
          remedy: 'add a region with role "witness", or make one region role "edge"',
        },
      ]
    },
  },
  {
    reads: roles,
    find: (topology) =>
      regionsOf(topology).some((region) => region.full) || Object.keys(topology.regions).length === 0
        ? []
        : [
            {
              at: ['regions'],
              message: 'expected at least one region with role "full", got none: nothing would run the app',
              remedy: 'omit role, or write role: "full", for the regions that hold data',
            },
          ],
  },
  {
    reads: ['regions'],
    find: (topology) =>
      Object.keys(topology.regions)
        // JavaScript puts integer keys first, in ascending order, but the order in the file determines the addresses.
        .filter((name) => /^(0|[1-9]\d*)$/.test(name) && Number(name) < 2 ** 32 - 1)
        .map((name) => ({
          at: ['regions', name],
          message: `expected a name that is not a whole number, got ${JSON.stringify(name)}: JavaScript does not keep such keys in order`,
          remedy: `name it region-${name}`,
        })),
  },
  {
    reads: ['database.primary', ...roles],
    find: (topology) => {
      const { primary } = topology.database
      if (primary === undefined) return []
      const full = regionsOf(topology)
        .filter((region) => region.full)
        .map((region) => region.name)
      if (full.includes(primary)) return []
      const known = Object.hasOwn(topology.regions, primary)
      const got = known
        ? `${primary}, whose role is ${topology.regions[primary]!.role}`
        : JSON.stringify(primary)
      return [
        {
          at: ['database', 'primary'],
          message: `expected the name of a full region${full.length === 0 ? '' : ` (${full.join(', ')})`}, got ${got}`,
          remedy:
            (known ? undefined : didYouMean(primary, full)) ??
            'name a full region, or remove the key to use the first one',
        },
      ]
    },
  },
  {
    reads: ['database.durability', ...roles],
    find: (topology) => {
      const full = regionsOf(topology)
        .filter((region) => region.full)
        .map((region) => region.name)
      const { durability } = topology.database
      if (durability === 'local' || full.length !== 1) return []
      return [
        {
          at: ['database', 'durability'],
          message: `expected at least 2 full regions, got ${counted(full, 'full region')}: "${durability}" stores every write in two`,
          remedy: 'add a full region, or set durability: "local", which may lose the last writes',
        },
      ]
    },
  },
  {
    reads: ['database.durability', ...roles],
    level: 'warning',
    find: (topology) => {
      const full = regionsOf(topology).filter((region) => region.full)
      if (topology.database.durability === 'strict' && full.length === 2)
        return [
          {
            at: ['database', 'durability'],
            message: '"strict" with 2 full regions: the loss of either one stops all writes',
            remedy: 'add a third full region, or use durability: "region"',
          },
        ]
      if (topology.database.durability === 'local' && full.length === 1)
        return [
          {
            at: ['regions'],
            message: 'only 1 full region: if it is lost, so are the app and its data',
            remedy: 'add a second full region',
          },
        ]
      return []
    },
  },
  {
    reads: roles,
    level: 'warning',
    find: (topology) => {
      const voting = regionsOf(topology).filter((region) => region.votes)
      return voting.length <= 7
        ? []
        : [
            {
              at: ['regions'],
              message: `${voting.length} voting regions: every decision waits for more than half of them`,
              remedy: 'let at most 7 regions vote and give the others role "edge"',
            },
          ]
    },
  },
  {
    reads: ['regions.*.location'],
    level: 'warning',
    find: (topology) => {
      const places = Object.entries(topology.regions).map(
        ([name, { location }]) => [`${location.lat},${location.lon}`, name] as const,
      )
      return repeated(places).map(([, first, again]) => ({
        at: ['regions', again, 'location'],
        message: `same location as ${first}: users are equally near to both, and a disaster there takes out both`,
        remedy: 'give each region its own coordinates',
      }))
    },
  },
]

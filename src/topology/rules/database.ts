import { anySize } from '../../lib/quantities.ts'
import type { Rule } from './rule.ts'

export const takenNames = [
  'postgres',
  'template0',
  'template1',
  'public',
  'none',
  'replicator',
  'rewind',
  'monitor',
]

const minMemoryBytes = 1024 ** 2

export const databaseRules: Rule[] = [
  {
    reads: ['database.name'],
    find: ({ database: { name } }) =>
      takenNames.includes(name) || /^(pg|nearside)_/.test(name) || name === 'nearside'
        ? [
            {
              at: ['database', 'name'],
              message: `expected a name that is free for the app, got "${name}", which PostgreSQL or Nearside reserves`,
              remedy: 'choose another name, such as "app"',
            },
          ]
        : [],
  },
  ...(['cache', 'cdn'] as const).map(
    (part): Rule => ({
      reads: [`${part}.maxMemory`],
      find: (topology) => {
        const text = topology[part].maxMemory
        return (anySize.parse(text) ?? 0) >= minMemoryBytes
          ? []
          : [
              {
                at: [part, 'maxMemory'],
                message: `expected at least "1mb", got "${text}"`,
                remedy: 'write a size with its unit, such as "64mb"',
              },
            ]
      },
    }),
  ),
  {
    reads: ['app.maxBody'],
    find: ({ app: { maxBody } }) => {
      const bytes = anySize.parse(maxBody) ?? 0
      if (bytes === 0)
        return [
          {
            at: ['app', 'maxBody'],
            message: `expected at least 1 byte, got "${maxBody}": every request with a body would be refused`,
            remedy: 'write a size such as "10mb"',
          },
        ]
      // HAProxy compares the size with a signed 32-bit integer.
      return bytes < 2 ** 31
        ? []
        : [
            {
              at: ['app', 'maxBody'],
              message: `expected less than "2gb", got "${maxBody}"`,
              remedy: 'have the app accept larger uploads in parts',
            },
          ]
    },
  },
  {
    reads: ['failover.suspectMs', 'failover.probeMs'],
    find: ({ failover: { suspectMs, probeMs } }) =>
      suspectMs >= 2 * probeMs
        ? []
        : [
            {
              at: ['failover', 'suspectMs'],
              message: `expected at least two probe intervals (${2 * probeMs} ms), got ${suspectMs}: a single lost packet could trigger a failover`,
              remedy: 'raise failover.suspectMs or lower failover.probeMs',
            },
          ],
  },
  {
    reads: ['failover.**', 'database.holdSeconds'],
    level: 'warning',
    find: ({ failover: { automatic, suspectMs }, database: { holdSeconds } }) => {
      // Measured: writes continue 2.5 s after a region is declared unreachable. Without revocation, Patroni's TTL of
      // 20 s must expire first.
      const pauseSeconds = automatic ? Math.ceil(suspectMs / 1000 + 2.5) : 25
      if (holdSeconds >= pauseSeconds) return []
      return [
        {
          at: ['database', 'holdSeconds'],
          message: `a failover takes about ${pauseSeconds} s, but writes are held for ${holdSeconds} s only: those at the start of an outage will fail`,
          remedy: `set database.holdSeconds to ${pauseSeconds} or more`,
        },
      ]
    },
  },
  {
    reads: ['app.timeoutSeconds', 'database.holdSeconds'],
    level: 'warning',
    find: ({ app: { timeoutSeconds }, database: { holdSeconds } }) =>
      holdSeconds < timeoutSeconds
        ? []
        : [
            {
              at: ['database', 'holdSeconds'],
              message: `writes are held for ${holdSeconds} s, but a response may take ${timeoutSeconds} s at most (app.timeoutSeconds)`,
              remedy: 'raise app.timeoutSeconds above database.holdSeconds',
            },
          ],
  },
]

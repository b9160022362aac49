import { didYouMean } from '../../lib/did-you-mean.ts'
import { overlap } from './app.ts'
import { type Rule, repeated } from './rule.ts'

const known = [
  'GET',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'SEARCH',
  'QUERY',
  'PURGE',
  'BAN',
  'LINK',
  'UNLINK',
  'BIND',
  'ACL',
  'MERGE',
  'NOTIFY',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'CONNECT',
]
const writing = ['POST', 'PUT', 'PATCH', 'DELETE']
const lists = ['safeMethods', 'also', 'except'] as const

const parse = (rule: string) => {
  const space = rule.indexOf(' ')
  return { method: rule.slice(0, space), path: rule.slice(space + 1) }
}

export const writeRules: Rule[] = [
  ...lists.flatMap((list): Rule[] => [
    {
      reads: [`app.writes.${list}`],
      find: ({ app }) =>
        app.writes[list].flatMap((rule, i) => {
          const method = rule.split(' ')[0]!
          const remedy = known.includes(method) ? undefined : didYouMean(method, known)
          return remedy === undefined
            ? []
            : [
                {
                  at: ['app', 'writes', list, i],
                  message: `expected an HTTP method, got "${method}"`,
                  remedy,
                },
              ]
        }),
    },
    {
      reads: [`app.writes.${list}`],
      find: ({ app }) =>
        repeated(app.writes[list].map((rule, i) => [rule, i] as const)).map(([rule, , again]) => ({
          at: ['app', 'writes', list, again],
          message: `expected each entry once, got "${rule}" twice`,
          remedy: 'remove one of them',
        })),
    },
  ]),
  {
    reads: ['app.writes.safeMethods'],
    level: 'warning',
    find: ({ app }) => {
      const missing = ['GET', 'HEAD', 'OPTIONS'].filter((method) => !app.writes.safeMethods.includes(method))
      return missing.length === 0
        ? []
        : [
            {
              at: ['app', 'writes', 'safeMethods'],
              message: `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing: every such request would go to the primary’s region`,
              remedy:
                'keep all three, and list the paths that write in app.writes.also, such as "GET /logout"',
            },
          ]
    },
  },
  {
    reads: ['app.writes.safeMethods'],
    level: 'warning',
    find: ({ app }) =>
      app.writes.safeMethods.flatMap((method, i) =>
        writing.includes(method)
          ? [
              {
                at: ['app', 'writes', 'safeMethods', i],
                message: `${method} is not safe: such requests run where they arrive, which outside the primary’s region means against a read-only replica`,
                remedy: `remove it, and list exceptions in app.writes.except, such as "${method} /search"`,
              },
            ]
          : [],
      ),
  },
  {
    reads: ['app.writes.also'],
    level: 'warning',
    find: ({ app }) =>
      app.writes.also.flatMap((rule, i) => {
        const { method, path } = parse(rule)
        return ['GET', 'HEAD', 'OPTIONS'].includes(method) && path === '/*'
          ? [
              {
                at: ['app', 'writes', 'also', i],
                message: `"${rule}" matches every page: every such request would go to the primary’s region`,
                remedy: `list only the paths that write, such as "${method} /logout"`,
              },
            ]
          : []
      }),
  },
  {
    reads: ['app.writes.also', 'app.writes.except'],
    find: ({ app: { writes } }) =>
      writes.except.flatMap((rule, i) =>
        writes.also.includes(rule)
          ? [
              {
                at: ['app', 'writes', 'except', i],
                message: `expected a rule that is not in app.writes.also, got "${rule}": a request cannot be both a write and not a write`,
                remedy: 'remove one of them',
              },
            ]
          : [],
      ),
  },
  {
    reads: ['app.writes.also', 'app.static'],
    find: ({ app }) =>
      app.writes.also.flatMap((rule, i) => {
        const { method, path } = parse(rule)
        const cached =
          method === 'GET' || method === 'HEAD'
            ? app.static.find((pattern) => overlap(pattern, path))
            : undefined
        return cached === undefined
          ? []
          : [
              {
                at: ['app', 'writes', 'also', i],
                message: `expected a path that is not static, got "${rule}": app.static "${cached}" would answer it from a cache`,
                remedy: 'remove it from one of them',
              },
            ]
      }),
  },
  {
    reads: ['app.writes.**'],
    level: 'warning',
    find: ({ app: { writes } }) => [
      ...writes.also.flatMap((rule, i) =>
        !writes.safeMethods.includes(parse(rule).method)
          ? [
              {
                at: ['app', 'writes', 'also', i],
                message: `has no effect: every ${parse(rule).method} is already a write`,
              },
            ]
          : [],
      ),
      ...writes.except.flatMap((rule, i) => {
        const { method, path } = parse(rule)
        const isWrite =
          !writes.safeMethods.includes(method) ||
          writes.also.some((other) => parse(other).method === method && overlap(parse(other).path, path))
        return isWrite
          ? []
          : [
              {
                at: ['app', 'writes', 'except', i],
                message: `has no effect: ${method} ${path} is not a write anyway`,
              },
            ]
      }),
    ],
  },
]

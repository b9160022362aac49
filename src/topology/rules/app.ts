import type { Finding } from '../problems.ts'
import type { Topology } from '../schema.ts'
import { type Rule, repeated } from './rule.ts'

export const givenVariables = ['PORT', 'HOST', 'DATABASE_URL', 'DATABASE_READ_URL', 'REDIS_URL']

function environment(env: Record<string, string>, at: string[]): Finding[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const where = [...at, name]
    if (givenVariables.includes(name) || name.startsWith('NEARSIDE_'))
      return [
        {
          at: where,
          message: `${name} is set by Nearside and cannot be overridden`,
          remedy: `remove ${name}`,
        },
      ]
    return value.includes('\0') ? [{ at: where, message: 'expected a value without NUL characters' }] : []
  })
}

/** Whether `pattern` matches every path that `other` (a path or a pattern) matches. */
function coversPath(pattern: string, other: string): boolean {
  const start = pattern.replace(/\*$/, '')
  return pattern.endsWith('*') ? other.replace(/\*$/, '').startsWith(start) : pattern === other
}
export const overlap = (a: string, b: string) => coversPath(a, b) || coversPath(b, a)

/** Why no browser ever requests a path as it is written; undefined when one can. */
function whyNeverRequested(path: string): string | undefined {
  if (/[^\u0021-\u007e]/.test(path)) return 'browsers send such characters percent-encoded'
  if (path.includes('#')) return 'browsers never send the part after #'
  if (/\/\.{1,2}(\/|$)/.test(path)) return 'browsers resolve . and .. themselves'
  if (path.includes('//')) return 'it contains //'
  return undefined
}

const encoded = (path: string) =>
  /[^\u0021-\u007e]/.test(path) ? `write "${encodeURI(path.replace(/[\ud800-\udfff]/g, ''))}"` : undefined

const patterns = ({ app }: Topology): [string, (string | number)[]][] => [
  [app.health, ['app', 'health']],
  ...app.static.map((path, i): [string, (string | number)[]] => [path, ['app', 'static', i]]),
]

export const appRules: Rule[] = [
  { reads: ['app.env'], find: ({ app }) => environment(app.env, ['app', 'env']) },
  {
    reads: ['regions.*.env'],
    find: ({ regions }) =>
      Object.entries(regions).flatMap(([name, { env }]) => environment(env, ['regions', name, 'env'])),
  },
  {
    reads: ['regions.*.env', 'regions.*.role'],
    level: 'warning',
    find: ({ regions }) =>
      Object.entries(regions)
        .filter(([, { env, role }]) => role !== 'full' && Object.keys(env).length > 0)
        .map(([name, { role }]) => ({
          at: ['regions', name, 'env'],
          message: `has no effect: no app runs in a region with role "${role}"`,
          remedy: 'remove it',
        })),
  },
  ...(['command', 'release'] as const).flatMap((key): Rule[] => [
    {
      reads: [`app.${key}`],
      find: ({ app }) => {
        const command = app[key] ?? []
        const nul = command.findIndex((argument) => argument.includes('\0'))
        if (nul !== -1)
          return [{ at: ['app', key, nul], message: 'expected an argument without NUL characters' }]
        const [program = ''] = command
        return /^[A-Za-z_]\w*=/.test(program)
          ? [
              {
                at: ['app', key, 0],
                message: `expected a program, got a variable (${program.split('=')[0]}=…)`,
                remedy: 'set variables in app.env',
              },
            ]
          : []
      },
    },
    {
      reads: [`app.${key}`],
      level: 'warning',
      find: ({ app }) => {
        const command = app[key] ?? []
        if (/(^|\/)(ba|da|z|k)?sh$/.test(command[0] ?? '')) return []
        const index = command.findIndex((argument) => /\$\{?[A-Z_]|^(&&|\|\|?|;|>|<|&)$/.test(argument))
        return index === -1
          ? []
          : [
              {
                at: ['app', key, index],
                message: `${JSON.stringify(command[index])} is passed to the program literally: no shell is involved`,
                remedy: `to use a shell, write ["sh", "-c", ${JSON.stringify(`exec ${command.join(' ')}`)}]`,
              },
            ]
      },
    },
  ]),
  {
    reads: ['app.health'],
    find: ({ app: { health } }) =>
      health.endsWith('*')
        ? [
            {
              at: ['app', 'health'],
              message: `expected one path, got the pattern "${health}"`,
              remedy: 'write a single path, without *',
            },
          ]
        : [],
  },
  {
    reads: ['app.health', 'app.static'],
    find: (topology) =>
      patterns(topology).flatMap(([path, at]) => {
        const why = whyNeverRequested(path)
        return why === undefined
          ? []
          : [
              {
                at,
                message: `expected a path as a browser sends it, got "${path}": ${why}`,
                remedy: encoded(path),
              },
            ]
      }),
  },
  {
    reads: ['app.static'],
    find: ({ app }) =>
      repeated(app.static.map((path, i) => [path, i] as const)).map(([path, , again]) => ({
        at: ['app', 'static', again],
        message: `expected each pattern once, got "${path}" twice`,
        remedy: 'remove one of them',
      })),
  },
  {
    reads: ['app.static'],
    level: 'warning',
    find: ({ app }) =>
      app.static.flatMap((path, i) => {
        if (path === '/*')
          return [
            {
              at: ['app', 'static', i],
              message: '"/*" sends every GET through the CDN cache, including pages of signed-in users',
              remedy: 'list the folders that contain static files, such as "/assets/*"',
            },
          ]
        const wider = app.static.find((other) => other !== path && coversPath(other, path))
        return wider === undefined
          ? []
          : [{ at: ['app', 'static', i], message: `has no effect: "${wider}" already covers it` }]
      }),
  },
]

import type { Topology } from '../../topology/schema.ts'
import { quote } from './text.ts'

/** Conditions on requests that the topology defines: whether a request writes, and whether it is static. */

type Rule = { method: string; pattern: string }

const ruleOf = (text: string): Rule => {
  const [method = '', pattern = ''] = text.split(' ')
  return { method, pattern }
}

/** `/a/*` matches every path that begins with `/a/`; a pattern without `*` matches only itself. */
function pathConditions(patterns: readonly string[]): string[] {
  const exact = patterns.filter((pattern) => !pattern.endsWith('*'))
  const beginnings = patterns
    .filter((pattern) => pattern.endsWith('*'))
    .map((pattern) => pattern.slice(0, -1))
  return [
    ...(exact.length > 0 ? [`path ${exact.map(quote).join(' ')}`] : []),
    ...(beginnings.length > 0 ? [`path_beg ${beginnings.map(quote).join(' ')}`] : []),
  ]
}

function byMethod(rules: readonly string[]): Map<string, string[]> {
  const patterns = new Map<string, string[]>()
  for (const { method, pattern } of rules.map(ruleOf))
    patterns.set(method, [...(patterns.get(method) ?? []), pattern])
  return patterns
}

export const isWrite = '{ var(txn.write) -m bool }'

/**
 * Sets `txn.write`: a method that is not known to be safe writes. A common GET costs one comparison of methods; path
 * rules are evaluated only for the methods that they name.
 */
export function writeRules({ app }: Topology): string[] {
  const { safeMethods, also, except } = app.writes
  const setAll = (rules: readonly string[], value: boolean) =>
    [...byMethod(rules)].flatMap(([method, patterns]) =>
      pathConditions(patterns).map(
        (condition) =>
          `http-request set-var(txn.write) bool(${value}) if { method ${method} } { ${condition} }`,
      ),
    )
  return [
    `http-request set-var(txn.write) bool(true)${safeMethods.length > 0 ? ` unless { method ${safeMethods.join(' ')} }` : ''}`,
    ...setAll(also, true),
    ...setAll(except, false),
    `http-request set-var(txn.class) str(write) if ${isWrite}`,
  ]
}

/** Sets `txn.static` for GET and HEAD of the paths that go through the CDN cache. */
export function staticRules({ app }: Topology): string[] {
  return pathConditions(app.static).map(
    (condition) => `http-request set-var(txn.static) bool(true) if { method GET HEAD } { ${condition} }`,
  )
}

export const isStatic = '{ var(txn.static) -m bool }'

/** Whether a path, or one that begins like it if it ends in `*`, may be static. The query does not matter. */
export function isStaticPath({ app }: Topology, path: string): boolean {
  const [asked = ''] = path.split('?')
  const start = asked.replace(/\*$/, '')
  const isOpen = path.endsWith('*') && !path.includes('?')
  return app.static.some((pattern) => {
    const beginning = pattern.replace(/\*$/, '')
    if (pattern.endsWith('*') && start.startsWith(beginning)) return true
    return isOpen ? beginning.startsWith(start) : pattern === asked
  })
}

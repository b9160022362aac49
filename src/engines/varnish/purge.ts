import { NearsideError } from '../../lib/errors.ts'

/** What a purge removes from a region's caches. */
export type PurgeScope =
  /** Responses of paths that are not static: they were cached because their own headers allowed it. */
  | { kind: 'pages' }
  | { kind: 'all' }
  /** `path`: see `pathPattern`. Without `host`, of every host. */
  | { kind: 'path'; path: string; host?: string }

/** Headers of a stored response, by which bans find it. They never leave Varnish. */
export const storedHeaders = {
  kind: 'nearside-kind',
  url: 'nearside-url',
  host: 'nearside-host',
  /** The count of purges when its fetch began. */
  purges: 'nearside-purges',
} as const

/**
 * The ban for a scope, as one line of Varnish's command line. It names only what is stored with a response, so Varnish
 * also removes responses that nobody requests.
 */
export function banOf(scope: PurgeScope): string {
  const { kind, url, host } = storedHeaders
  switch (scope.kind) {
    // Also matches a response without the header.
    case 'pages':
      return `ban obj.http.${kind} != static`
    case 'all':
      return 'ban obj.status != 0'
    case 'path': {
      const path = `ban obj.http.${url} ~ ${quoted(pathPattern(scope.path))}`
      if (scope.host === undefined) return path
      return `${path} && obj.http.${host} ~ ${quoted(`(?i)^${literal(scope.host)}(:[0-9]+)?$`)}`
    }
  }
}

/** Limits a ban to responses whose fetch began at one of these counts of purges. */
export const fetchedAt = (ban: string, counts: readonly string[]): string =>
  `${ban} && obj.http.${storedHeaders.purges} ~ ${quoted(`^(${counts.join('|')})$`)}`

/**
 * The regular expression for a path: every query string of it, or one query string exactly if the path has one. `*` at
 * the end matches every continuation. The digits of a percent escape match in either case.
 */
function pathPattern(path: string): string {
  if (path.endsWith('*')) return `^${literal(path.slice(0, -1))}`
  return `^${literal(path)}${path.includes('?') ? '$' : '($|\\?)'}`
}

/** A longer path matches only as it is written, since Varnish limits the length of a command. */
const maxSpelledLength = 400

/**
 * Percent escapes match in either case, and characters that need no escape also as one (RFC 3986, section 6.2.2). A slash
 * also matches several, since many apps do not distinguish them.
 */
function literal(text: string): string {
  return text.replaceAll(/%[0-9a-fA-F]{2}|[^%]/g, (part) => {
    if (part.length > 1) return `(?i:${part})`
    const escaped = part.replaceAll(/[\\^$.*+?()[\]{}|#]/g, '\\$&')
    if (part === '/' && text.length <= maxSpelledLength) return '/+'
    if (text.length > maxSpelledLength || !/[!$&'()*+,\-.0-9:;=@A-Z_a-z~]/.test(part)) return escaped
    return `(?:${escaped}|(?i:%${part.charCodeAt(0).toString(16)}))`
  })
}

/** One word of Varnish's command line, which knows backslash escapes and double quotes. */
function quoted(text: string): string {
  if (/[^\x21-\x7e]/.test(text))
    throw new NearsideError(
      'purge_invalid',
      `path: expected printable ASCII without spaces, got ${JSON.stringify(text.slice(0, 80))}`,
    )
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}

/** A user's cookies for one site: name and path, until they expire (the parts of RFC 6265 that matter here). */
export class CookieJar {
  readonly #cookies = new Map<string, { name: string; value: string; path: string; expiresMs: number }>()

  /** Stores the cookies set by the answer to `requestPath`. `nowMs` as in `Date.now()`. */
  set(headers: readonly string[], requestPath: string, nowMs: number): void {
    for (const header of headers) {
      const [pair = '', ...attributes] = header.split(';')
      const equals = pair.indexOf('=')
      const name = pair.slice(0, equals).trim()
      if (equals < 1 || name === '') continue
      const cookie = {
        name,
        value: pair.slice(equals + 1).trim(),
        path: directory(requestPath),
        expiresMs: Infinity,
      }
      let maxAge: number | undefined
      for (const attribute of attributes) {
        const [key = '', ...rest] = attribute.split('=')
        const value = rest.join('=').trim()
        const called = key.trim().toLowerCase()
        if (called === 'path' && value.startsWith('/')) cookie.path = value
        if (called === 'max-age' && /^-?\d+$/.test(value)) maxAge = Number(value)
        if (called === 'expires' && !Number.isNaN(Date.parse(value))) cookie.expiresMs = Date.parse(value)
      }
      // Max-Age takes precedence, wherever it is.
      if (maxAge !== undefined) cookie.expiresMs = maxAge <= 0 ? -Infinity : nowMs + maxAge * 1000
      const key = `${cookie.name};${cookie.path}`
      if (cookie.expiresMs <= nowMs) this.#cookies.delete(key)
      else this.#cookies.set(key, cookie)
    }
  }

  /** Value of a request's `cookie` header; undefined without cookies. Longer paths come first. */
  header(path: string, nowMs: number): string | undefined {
    const [clean = '/'] = path.split('?')
    const sent = [...this.#cookies.values()]
      .filter((cookie) => cookie.expiresMs > nowMs && within(clean, cookie.path))
      .sort((a, b) => b.path.length - a.path.length)
    return sent.length === 0 ? undefined : sent.map(({ name, value }) => `${name}=${value}`).join('; ')
  }
}

function directory(requestPath: string): string {
  const [path = '/'] = requestPath.split('?')
  const slash = path.lastIndexOf('/')
  return slash <= 0 ? '/' : path.slice(0, slash)
}

function within(path: string, of: string): boolean {
  return path === of || (path.startsWith(of) && (of.endsWith('/') || path[of.length] === '/'))
}

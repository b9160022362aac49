import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export type Asset = { body: Uint8Array<ArrayBuffer>; contentType: string; etag: string; cacheControl: string }

export type Assets = {
  /** The URL for pages. It contains the hash of the content, so it may be cached forever. */
  url(name: string): string
  /** Looks up a name below /assets/. */
  find(name: string): Asset | undefined
}

const forever = 'public, max-age=31536000, immutable'
const aMinute = 'public, max-age=60'
/** For a hash of another release: see `find`. */
const notAtAll = 'no-store'

const contentTypes: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Reads the folder once, because assets are small and part of the release. */
export function loadAssets(folder: string): Assets {
  const files = new Map(
    readdirSync(folder).map((name) => {
      const body = new Uint8Array(readFileSync(join(folder, name)))
      const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
      const contentType = contentTypes[extname(name)] ?? 'application/octet-stream'
      return [name, { body, hash, contentType, etag: `"${hash}"` }] as const
    }),
  )

  return {
    url(name) {
      const file = files.get(name)
      if (!file) throw new Error(`no asset "${name}" in ${folder}`)
      return `/assets/${withHash(name, file.hash)}`
    },
    find(wanted) {
      const { name, hash } = withoutHash(wanted)
      const file = files.get(name)
      if (!file) return undefined
      // During a roll-out, a page of one release may request its assets from an instance of another. The current
      // version is better than an unstyled page, but must not be cached under the URL of other content.
      const cacheControl = hash === undefined ? aMinute : hash === file.hash ? forever : notAtAll
      return { body: file.body, contentType: file.contentType, etag: file.etag, cacheControl }
    },
  }
}

function withHash(name: string, hash: string): string {
  const extension = extname(name)
  return `${name.slice(0, -extension.length)}.${hash}${extension}`
}

function withoutHash(wanted: string): { name: string; hash: string | undefined } {
  const match = /^(.+)\.([0-9a-f]{12})(\.\w+)$/.exec(wanted)
  return match ? { name: `${match[1]}${match[3]}`, hash: match[2] } : { name: wanted, hash: undefined }
}

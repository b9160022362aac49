/** Finds links and assets of a page without parsing HTML, which is good enough for working pages. */

/**
 * Links of a page with this prefix, each once, at most `most`. Searches the bytes: converting every page to text and
 * looking at every link takes longer than the rest of the request.
 */
export function linksIn(html: Buffer, prefix: string, most = 50): string[] {
  const found = new Set<string>()
  for (const quote of ['"', "'"]) {
    const start = Buffer.from(`href=${quote}${prefix}`)
    const skip = start.length - prefix.length
    for (let at = html.indexOf(start); at >= 0 && found.size < most; at = html.indexOf(start, at + skip)) {
      const end = html.indexOf(quote, at + skip)
      if (end < 0) break
      const [path = ''] = html
        .toString('utf8', at + skip, end)
        .replaceAll('&amp;', '&')
        .split('#')
      if (!path.startsWith('//')) found.add(path)
    }
  }
  return [...found]
}

/** Paths on this site that a browser fetches to show the page: styles, icons, scripts, images. */
export function assetsIn(html: string): string[] {
  const links =
    /<link\b(?=[^>]*\srel\s*=\s*["']?[^"'>]*(?:stylesheet|icon|preload))[^>]*?\shref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi
  const sources = /<(?:script|img)\b[^>]*?\ssrc\s*=\s*(?:"([^"]*)"|'([^']*)')/gi
  return [...new Set([...pathsOf(html, links), ...pathsOf(html, sources)])]
}

function pathsOf(html: string, pattern: RegExp): string[] {
  const found = new Set<string>()
  for (const [, double, single] of html.matchAll(pattern)) {
    const [path = ''] = (double ?? single ?? '').replaceAll('&amp;', '&').split('#')
    if (path.startsWith('/') && !path.startsWith('//')) found.add(path)
  }
  return [...found]
}

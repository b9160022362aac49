/** What a page links to and what it needs, found without understanding HTML: good enough for pages that work. */

/**
 * Paths that a page links to and that begin so, each once, at most `most`. It is looked for in the bytes: pages are many,
 * and turning each into text and looking at its every link takes longer than all the rest of a request.
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

/** Paths of this site that a browser fetches to show the page: styles, icons, scripts, pictures. */
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

/** What a page links to and what it needs, found without understanding HTML: good enough for pages that work. */

/** Paths of this site that a page links to, each once, in order. */
export function linksIn(html: string): string[] {
  return pathsOf(html, /<a\b[^>]*?\shref\s*=\s*(?:"([^"]*)"|'([^']*)')/gi)
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

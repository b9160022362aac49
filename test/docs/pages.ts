import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The project's Markdown pages, by path. */

export const home = join(import.meta.dirname, '../..')

const excluded = (path: string) => /(^|\/)(node_modules|\.nearside|\.git)(\/|$)/.test(path)

export const pages: ReadonlyMap<string, string> = new Map(
  globSync('**/*.md', { cwd: home, exclude: excluded })
    .sort()
    .map((file) => [file, readFileSync(join(home, file), 'utf8')]),
)

/** Without code, in which brackets are no links and `#` is no heading. */
export const withoutCode = (text: string) =>
  text
    .replace(/^```.*?^```/gms, '')
    .replace(/^( {4}|\t).*$/gm, '')
    .replace(/`[^`\n]*`/g, '')

/** The anchors of a page, as GitHub makes them from its headings. */
export function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of text.replace(/^```.*?^```/gms, '').matchAll(/^#{1,6} (.+)$/gm)) {
    const slug = heading!
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{Mn}\p{Pc} -]/gu, '')
      .replaceAll(' ', '-')
    let anchor = slug
    for (let n = 1; anchors.has(anchor); n += 1) anchor = `${slug}-${n}`
    anchors.add(anchor)
  }
  return anchors
}

/** Relative links of a page: `path`, empty for the page itself, and `anchor`. */
export function linksOf(text: string): { path: string; anchor: string | undefined }[] {
  return [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z]+:/.test(target))
    .map((target) => {
      const [path = '', anchor] = target.split('#')
      return { path, anchor }
    })
}

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** docs/decisions/README.md, generated from titles and status lines by `npm run docs`. */

const folder = join(import.meta.dirname, '../../docs/decisions')

const intro = `<!-- Made from the pages of this folder by \`npm run docs\`. Do not edit. -->

# Decisions

A decision is a choice that somebody may want to reverse. Each page has the context, the choice, the rejected
alternatives, and what would change our mind. Numbers are never reused; gaps are numbers that were never taken. A
decision that is replaced stays, with the status *Superseded by* and a link.

| no. | decision | date | status |
|---|---|---|---|
`

/** A page begins with `# 7. Title`, and below it `Accepted, 2026-11-23.` or `Superseded by [9](0009-file.md), …`. */
function rowOf(name: string): string {
  const text = readFileSync(join(folder, name), 'utf8')
  const [, number, title] = /^# (\d+)\. (.+)\n/.exec(text) ?? []
  const [, status, date] =
    /^\n(Accepted|Superseded by \[\d+\]\(\d{4}-[\w-]+\.md\)), (\d{4}-\d\d-\d\d)\.$/m.exec(text) ?? []
  if (Number(number) !== Number(name.slice(0, 4)) || !status)
    throw new Error(`${name}: expected “# ${Number(name.slice(0, 4))}. Title” and “Accepted, 2026-11-23.”`)
  return `| ${number} | [${title}](${name}) | ${date} | ${status} |`
}

/** The content of docs/decisions/README.md. */
export function renderDecisionIndex(): string {
  const names = globSync('[0-9][0-9][0-9][0-9]-*.md', { cwd: folder }).sort()
  return `${intro}${names.map(rowOf).join('\n')}\n`
}

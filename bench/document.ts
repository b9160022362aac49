import type { Figure } from './figure.ts'
import { type Machine, renderHardware, renderVersions } from './machine.ts'
import { renderMarkdownTable } from './table.ts'

/** docs/internals/benchmarks.md: a section for each benchmark, written by it, on its own day. Pure. */

export type Section = {
  name: string
  title: string
  how: string
  figures: readonly Figure[]
  machine: Machine
  /** Of other programs. */
  peers: readonly string[]
  /** As `2026-11-23`. */
  date: string
  /** What was typed after `npm run bench --`. */
  words: string
}

const head = `# Benchmarks

\`npm run bench\` measures these figures and writes this page; each section describes its method. A ratio is ours to the peer’s, both
measured alternately in the same run, with the lowest and highest of the rounds in brackets. Without a peer it is the figure to its target.
We set the targets before measuring; **missed** means missed.

Absolute figures are those of one machine. All of a world’s regions, its users and the load share its cores, so figures in seconds are rather too
high than too low. The cost of distance is measured in a [lab](../operate/lab.md), where packets take as long as between the regions’
coordinates.

    npm run bench -- --help
    npm run bench -- dns --runs 3              one benchmark, printed
    npm run bench -- all --write               all of them, into this page
    npm run bench -- dns --write               one benchmark; the other sections stay
`

const begin = (name: string) => `<!-- ${name}: written by npm run bench, changes here are lost -->`
const end = (name: string) => `<!-- end of ${name} -->`

/**
 * The file with these sections in place of the old ones of the same names, in the order of `names`. Sections of names
 * that are not among them are dropped: that benchmark is no more.
 */
export function updateDocument(
  before: string,
  sections: readonly Section[],
  names: readonly string[],
): string {
  const parts = names.flatMap((name) => {
    const fresh = sections.find((section) => section.name === name)
    return (fresh ? renderSection(fresh) : sectionIn(before, name)) ?? []
  })
  return [head, ...parts].join('\n')
}

function sectionIn(text: string, name: string): string | undefined {
  const from = text.indexOf(begin(name))
  const to = text.indexOf(end(name))
  return from === -1 || to < from ? undefined : `${text.slice(from, to)}${end(name)}\n`
}

export function renderSection({ name, title, how, figures, machine, peers, date, words }: Section): string {
  return `${begin(name)}
## ${title}

${how}

${renderMarkdownTable(figures)}
Measured on ${date} with Nearside ${machine.nearside}: \`npm run bench -- ${words}\`<br>
${renderHardware(machine)}<br>
${renderVersions(machine, peers)}
${end(name)}
`
}

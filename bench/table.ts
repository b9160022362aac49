import { type Figure, ratioOf, type Unit, verdictOf } from './figure.ts'

/** Figures as a text table. Pure. */

const heading = ['', 'measured', 'compared with', 'ratio', 'target', '']

export function renderTable(figures: readonly Figure[]): string {
  const rows = [heading, ...figures.map(cells)]
  const widths = heading.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 || column > 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ')
      .trimEnd(),
  )
  const notes = figures.flatMap(({ note }, index) => (note ? [[index + 1, note] as const] : []))
  for (const [line, note] of notes) lines[line] += `\n    ${note}`
  return lines.map((line) => `  ${line}\n`).join('')
}

/** The same as Markdown. */
export function renderMarkdownTable(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const [what, ...rest] = cells(figure)
    const others = rest.map((cell) => (cell === 'missed' ? '**missed**' : cell))
    const indented = what!.replace(/^ +/, (spaces) => '&nbsp;'.repeat(spaces.length))
    const note = figure.note ? `<br>${figure.note}` : ''
    return [`${indented}${note}`, ...others].map((cell) => cell.replaceAll('|', '\\|'))
  })
  const lines = [heading, ['---', '---:', '---:', '---:', '---', '---'], ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |\n`.replaceAll(/ {2,}/g, ' ')).join('')
}

function cells(figure: Figure): string[] {
  const { what, value, unit, spread, peer, target } = figure
  const ratio = ratioOf(figure)
  return [
    what,
    withUnit(value, unit) + (spread ? ` (${number(spread[0])}-${number(spread[1])})` : ''),
    peer ? `${peer.name} ${withUnit(peer.value, unit)}` : '',
    ratio === undefined
      ? ''
      : `${ratio.toFixed(2)}${peer ? ` (${peer.ratioSpread.map((one) => one.toFixed(2)).join('-')})` : ''}`,
    target ? bound(target, peer ? '' : unit) : '',
    verdictOf(figure) ?? '',
  ]
}

function bound(target: NonNullable<Figure['target']>, unit: Unit): string {
  if ('atMost' in target && target.atMost === 0) return '0'
  return 'atMost' in target ? `≤ ${withUnit(target.atMost, unit)}` : `≥ ${withUnit(target.atLeast, unit)}`
}

const withUnit = (value: number, unit: Unit) =>
  `${number(value)}${unit.startsWith('/') ? '' : ' '}${unit}`.trim()

function number(value: number): string {
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

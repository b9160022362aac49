/** Text that is already markup; everything else is escaped when inserted into a template. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
  toString(): string {
    return this.text
  }
}

type Part = string | number | Markup | undefined | readonly (Markup | undefined)[]

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Escapes text for HTML or SVG. */
export const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => escapes[character]!)

function written(part: Part): string {
  if (part === undefined) return ''
  if (part instanceof Markup) return part.text
  if (typeof part === 'number') return String(Math.round(part * 100) / 100)
  return typeof part === 'string' ? escaped(part) : part.map(written).join('')
}

/** Builds HTML or SVG. Numbers are rounded to hundredths. */
export function markup(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(strings.reduce((text, piece, i) => text + written(parts[i - 1]) + piece))
}

/** Helpers for HAProxy's configuration language: sections of indented lines, and quoting. */

export type Line = string | false | undefined | readonly Line[]

/** Renders a section. False and undefined lines are omitted, and groups of lines may be nested. */
export function section(heading: string, ...lines: readonly Line[]): string {
  return [heading, ...flatten(lines).map((line) => (line === '' ? '' : `  ${line}`)), ''].join('\n')
}

function flatten(lines: readonly Line[]): string[] {
  return lines.flatMap((line) =>
    typeof line === 'string' ? [line] : Array.isArray(line) ? flatten(line) : [],
  )
}

/**
 * Renders a text as a single word. Inside single quotes HAProxy takes everything literally. The topology's patterns
 * cannot contain a single quote, so nothing needs escaping.
 */
export function quote(text: string): string {
  if (text.includes("'") || /[\r\n\0]/.test(text))
    throw new TypeError(`expected text without quotes and line breaks, got ${text}`)
  return /^[A-Za-z0-9_./:@-]+$/.test(text) ? text : `'${text}'`
}

/** Logs failed requests and connections to the supervisor. The sampled traffic log is separate. */
export const logErrors = 'log stdout format raw daemon err'

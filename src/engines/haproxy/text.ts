/** HAProxy's configuration language: sections of indented lines, and quoting. */

export type Line = string | false | undefined | readonly Line[]

/** A section; lines that do not apply are false or undefined, and groups of lines may be nested. */
export function section(heading: string, ...lines: readonly Line[]): string {
  return [heading, ...flatten(lines).map((line) => (line === '' ? '' : `  ${line}`)), ''].join('\n')
}

function flatten(lines: readonly Line[]): string[] {
  return lines.flatMap((line) =>
    typeof line === 'string' ? [line] : Array.isArray(line) ? flatten(line) : [],
  )
}

/**
 * One word, whatever is in it. Inside single quotes HAProxy takes everything as it is; the topology's patterns cannot
 * hold a single quote, so nothing is left to escape.
 */
export function quote(text: string): string {
  if (text.includes("'") || /[\r\n\0]/.test(text)) throw new TypeError(`cannot be quoted: ${text}`)
  return /^[A-Za-z0-9_./:@-]+$/.test(text) ? text : `'${text}'`
}

/** Requests and connections that failed, to the supervisor's log; the sampled traffic has a log of its own. */
export const logErrors = 'log stdout format raw daemon err'

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to escape
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g

/** Escapes control and bidirectional characters, so that text from files and networks cannot control the terminal. */
export function printable(text: string): string {
  return text.replace(controls, (character) => {
    const code = character.charCodeAt(0)
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`
  })
}

/** The same, except for the given sequences. */
export function printableExcept(text: string, allowed: ReadonlySet<string>): string {
  if (allowed.size === 0) return printable(text)
  return text
    .split(sgr)
    .map((part) => (allowed.has(part) ? part : printable(part)))
    .join('')
}

/** Sequences that set colours. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they begin with one
export const sgr = /(\u001b\[[0-9;]*m)/

/** JSON that is safe on a terminal too: `JSON.stringify` leaves C1 and bidirectional characters as they are. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    controls,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

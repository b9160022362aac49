import { NearsideError } from '../lib/errors.ts'

/**
 * Refuses arguments and options that exclude each other, by their names in the help; undefined for one that is not
 * given. Without this, one of them would be ignored silently.
 */
export function refuseConflict(command: string, given: Readonly<Record<string, unknown>>): void {
  const names = Object.entries(given)
    .filter(([, value]) => value !== undefined && value !== false)
    .map(([name]) => name)
  if (names.length < 2) return
  throw new NearsideError('usage_conflict', `${names.join(' and ')} cannot be used together`, {
    remedy: `see \`nearside ${command} --help\``,
  })
}

/** Refuses global options that a command has no use for. */
export function refuseUnused(command: string, given: Readonly<Record<string, unknown>>, why: string): void {
  const [name] = Object.entries(given).find(([, value]) => value !== undefined) ?? []
  if (name === undefined) return
  throw new NearsideError('usage_conflict', `nearside ${command} does not take ${name}: ${why}`, {
    remedy: `see \`nearside ${command} --help\``,
  })
}

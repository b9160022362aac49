import type { Key } from './problems.ts'

/** Describes a refused value on one line. Values of environment variables are never shown: they may be secrets. */
export function given(value: unknown, at: readonly Key[] = []): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') {
    if (typeof (value as { then?: unknown }).then === 'function') return 'a promise'
    const kind = Object.getPrototypeOf(value)?.constructor?.name
    return typeof kind === 'string' && kind !== 'Object' && kind !== '' ? `a ${kind}` : 'an object'
  }
  if (at.includes('env')) return `a ${typeof value}`
  if (typeof value !== 'string') return String(value)
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value)
}

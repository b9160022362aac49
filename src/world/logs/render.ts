import { clock } from '../../lib/format.ts'
import { printable } from '../../lib/printable.ts'
import { timeOf } from './time.ts'

/** Turns the JSON lines of agents and etcd into text; other lines stay as they are. */

const levels: Record<string, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** Fields that the position of the line already shows, or that do not help a reader. */
const hidden = new Set(['level', 'time', 'ts', 'msg', 'region', 'caller', 'logger', 'stack'])

export function renderLine(line: string, now = Date.now()): string {
  const entry = line.startsWith('{') ? parse(line) : undefined
  if (!entry || (entry.msg === undefined && entry.level === undefined)) return printable(line)
  const at = timeOf(line)
  const words = [
    ...(at === undefined ? [] : [clock(at, now, true)]),
    levels[String(entry.level)] ?? String(entry.level ?? ''),
    String(entry.msg ?? ''),
    ...Object.entries(entry)
      .filter(([key]) => !hidden.has(key))
      .map(([key, value]) => `${key}=${typeof value === 'string' ? quoted(value) : JSON.stringify(value)}`),
  ]
  return printable(words.filter(Boolean).join(' '))
}

const quoted = (text: string) => (/[\s"=]/.test(text) || text === '' ? JSON.stringify(text) : text)

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/**
 * Removes the world's secrets from a text. No engine is known to log one, but an app's error may quote the DATABASE_URL
 * that it could not connect to.
 */
export function redactor(secrets: readonly string[]): (text: string) => string {
  const all = secrets.filter((secret) => secret.length >= 8).sort((a, b) => b.length - a.length)
  if (all.length === 0) return (text) => text
  const pattern = new RegExp(
    all.map((secret) => secret.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'),
    'g',
  )
  return (text) => text.replace(pattern, '[secret]')
}

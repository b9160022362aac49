import { clock } from '../../lib/format.ts'
import { printable } from '../../lib/printable.ts'
import { timeOf } from './time.ts'

/** How a log's line is shown: what agents and etcd write as JSON becomes a sentence, everything else stays as it is. */

const levels: Record<string, string> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** Said already by the line's place, or of no use to a reader. */
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
 * Takes the world's secrets out of a text. No engine is known to log one; an app's error may well quote the
 * DATABASE_URL that it could not reach.
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

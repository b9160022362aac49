import type { RequestKind } from './mix.ts'
import { pick, type Random, wholeBetween } from './random.ts'

/** A request with its values filled in. */
type Filled = { path: string; body: RequestKind['body']; headers: Readonly<Record<string, string>> }

/** Replaces each `{name}` with a value; the same name gets the same value throughout a request. */
export function fill(kind: RequestKind, random: Random, own: { reference: string; user: string }): Filled {
  const drawn = new Map<string, string>(Object.entries(own))
  const valueFor = (name: string): string => {
    const known = drawn.get(name)
    if (known !== undefined) return known
    const from = kind.values[name]
    const value =
      from === undefined
        ? `{${name}}`
        : 'low' in from
          ? String(wholeBetween(random, from.low, from.high))
          : pick(random, from)
    drawn.set(name, value)
    return value
  }
  const replaced = (text: string, write: (value: string) => string) =>
    text.replace(/(?<!\{)\{(\w+)\}/g, (_, name: string) => write(valueFor(name)))
  const inBody =
    kind.body?.type === 'application/json'
      ? (value: string) => JSON.stringify(value).slice(1, -1)
      : encodeURIComponent
  return {
    path: replaced(kind.path, encodeURIComponent),
    body: kind.body && { type: kind.body.type, text: replaced(kind.body.text, inBody) },
    headers: Object.fromEntries(
      Object.entries(kind.headers).map(([name, text]) => [name, replaced(text, String)]),
    ),
  }
}

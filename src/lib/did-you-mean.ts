import { NearsideError } from './errors.ts'
import { list } from './format.ts'

/** Longer words are unlikely, and the limit bounds the work for hostile input. */
const maxLength = 64

/** Edits between two words: insert, delete, replace, swap of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replace = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(replace, previous[j]! + 1, row[j - 1]! + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, before[j - 2]! + 1)
      row.push(best)
    }
    before = previous
    previous = row
  }
  return previous[b.length]!
}

/**
 * The most similar candidate, or undefined without one. Ignores case, `-` and `_`; allows one edit per three
 * characters; also accepts a prefix or a longer form of at least three characters (`latitude` for `lat`). Compares
 * words of up to 64 characters.
 */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  const plain = (text: string) => text.slice(0, maxLength).toLowerCase().replace(/[-_]/g, '')
  const meant = plain(word)
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of candidates) {
    const known = plain(candidate)
    if (known === '' || meant === '') continue
    const allowed = Math.max(1, Math.floor(Math.max(meant.length, known.length) / 3))
    const edits = editDistance(meant, known)
    const contained =
      Math.min(meant.length, known.length) >= 3 && (meant.startsWith(known) || known.startsWith(meant))
    // Any two single letters are one edit apart, which is no similarity.
    const near =
      edits <= allowed && edits < Math.max(meant.length, known.length) - (meant[0] === known[0] ? 0 : 1)
    const distance = near ? edits : contained ? allowed + 0.5 : undefined
    if (edits === 0) return candidate
    if (distance !== undefined && (!best || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

/** The remedy for an unknown word; undefined without a similar one. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const meant = suggest(word, candidates)
  return meant === undefined ? undefined : `did you mean ${meant}?`
}

/** Throws for an unknown name in an argument. The error lists the known names. */
export function unknown(
  kind: string,
  name: string,
  known: readonly string[],
  { what = kind, remedy }: { what?: string; remedy?: string } = {},
): never {
  throw new NearsideError(
    `usage_${kind}_unknown`,
    `${what}: expected ${list(known, 'or')}, got ${JSON.stringify(name)}`,
    {
      remedy:
        remedy ??
        didYouMean(name, known) ??
        (kind === 'region' || kind === 'process' ? 'see `nearside status --verbose`' : undefined),
    },
  )
}

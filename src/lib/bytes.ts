const units: Record<string, number> = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

/** `'256mb'` → 268435456; undefined when it is not a size. Units are powers of 1,024: b, kb, mb, gb. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d{1,12})\s*(b|kb|mb|gb)?$/i.exec(text.trim())
  if (!match) return undefined
  const bytes = Number(match[1]) * units[(match[2] ?? '').toLowerCase()]!
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

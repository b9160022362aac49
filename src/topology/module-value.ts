/**
 * A topology's default export on its way from the process that runs its code. Structured cloning refuses functions and
 * symbols and forgets classes, and the messages about wrong values name them.
 */

const marker = 'nearside:value'

type Marked =
  | { [marker]: 'function' }
  | { [marker]: 'symbol' }
  | { [marker]: 'promise' }
  | { [marker]: 'instance'; name: string; own: unknown }

/** Reads the value completely, so it throws whatever a getter or a proxy throws. */
export function packed(value: unknown, seen = new Map<object, unknown>()): unknown {
  if (typeof value === 'function') return { [marker]: 'function' }
  if (typeof value === 'symbol') return { [marker]: 'symbol' }
  if (value === null || typeof value !== 'object') return value
  const known = seen.get(value)
  if (known !== undefined) return known
  if (Array.isArray(value)) {
    const list: unknown[] = []
    seen.set(value, list)
    for (const one of value) list.push(packed(one, seen))
    return list
  }
  if (typeof (value as { then?: unknown }).then === 'function') return { [marker]: 'promise' }
  // Without a prototype, so a key named __proto__ is a key.
  const own: Record<string, unknown> = Object.create(null)
  const prototype: unknown = Object.getPrototypeOf(value)
  const name = prototype === null ? 'Object' : String((prototype as object).constructor?.name ?? '')
  const isPlain = prototype === null || prototype === Object.prototype
  const out = isPlain ? own : { [marker]: 'instance', name, own }
  seen.set(value, out)
  for (const key of Object.keys(value)) own[key] = packed((value as Record<string, unknown>)[key], seen)
  return out
}

/** The counterpart of `packed`. Functions do nothing, and instances have only the name of their class. */
export function unpacked(value: unknown, seen = new Set<object>()): unknown {
  if (value === null || typeof value !== 'object' || seen.has(value)) return value
  seen.add(value)
  if (marker in value) return restored(value as Marked, seen)
  const entries = value as Record<string, unknown>
  for (const key of Object.keys(entries)) entries[key] = unpacked(entries[key], seen)
  return value
}

function restored(value: Marked, seen: Set<object>): unknown {
  if (value[marker] === 'function') return () => undefined
  if (value[marker] === 'symbol') return Symbol()
  if (value[marker] === 'promise') return Promise.resolve()
  const prototype = Object.create(null, { constructor: { value: { name: value.name } } })
  return Object.assign(Object.create(prototype), unpacked(value.own, seen))
}

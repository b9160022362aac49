import type { Json } from './request.ts'

/** The gateway's encoding: keys and values in base64, 64-bit numbers as strings. */

export type KeyValue = {
  key: string
  value: string
  createRevision: string
  modRevision: string
  /** Lease that the key is attached to; '0' for none. */
  lease: string
}

export type Compare =
  | { key: string; target: 'CREATE'; create_revision: string }
  | { key: string; target: 'MOD'; mod_revision: string }
  | { key: string; target: 'VALUE'; value: string }

export type Operation =
  | { put: { key: string; value: string; lease?: string } }
  | { delete: { key: string } }
  | { range: { key: string; prefix?: boolean } }

export type RawKeyValue = {
  key: string
  value?: string
  create_revision: string
  mod_revision: string
  lease?: string
}

export const encode = (text: string) => Buffer.from(text, 'utf8').toString('base64')
const decode = (text: string | undefined) => Buffer.from(text ?? '', 'base64').toString('utf8')

/** The first key after all keys that begin with `prefix` (etcd's own convention for prefix ranges). */
export function prefixEnd(prefix: string): string {
  const bytes = Buffer.from(prefix, 'utf8')
  bytes[bytes.length - 1]! += 1
  return bytes.toString('base64')
}

export function keyValue(raw: RawKeyValue): KeyValue {
  return {
    key: decode(raw.key),
    value: decode(raw.value),
    createRevision: raw.create_revision,
    modRevision: raw.mod_revision,
    lease: raw.lease ?? '0',
  }
}

export const leaseOf = (lease: string | undefined) => (lease === undefined ? {} : { lease })

export function operation(op: Operation): Json {
  if ('put' in op)
    return { request_put: { key: encode(op.put.key), value: encode(op.put.value), ...leaseOf(op.put.lease) } }
  if ('delete' in op) return { request_delete_range: { key: encode(op.delete.key) } }
  return {
    request_range: {
      key: encode(op.range.key),
      ...(op.range.prefix ? { range_end: prefixEnd(op.range.key) } : {}),
    },
  }
}

export const comparison = (compare: Compare): Json => ({
  ...compare,
  key: encode(compare.key),
  result: 'EQUAL',
  ...(compare.target === 'VALUE' ? { value: encode(compare.value) } : {}),
})

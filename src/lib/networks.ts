/** Networks of IP addresses as text, of both families. */

const bitsOf = (address: string) => (address.includes(':') ? 128 : 32)

function numberOf(address: string): bigint {
  if (!address.includes(':')) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const [start = '', end] = hexadecimal(address).split('::')
  const groups = (text: string) => (text === '' ? [] : text.split(':'))
  const [before, after] = [groups(start), groups(end ?? '')]
  const all = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

/** Without a dotted end (`::ffff:10.0.0.1`). */
const hexadecimal = (address: string) => new URL(`http://[${address}]`).hostname.slice(1, -1)

function textOf(value: bigint, bits: number): string {
  const unit = bits === 32 ? 8n : 16n
  const count = bits / Number(unit)
  const parts = Array.from(
    { length: count },
    (_, n) => (value >> (unit * BigInt(count - 1 - n))) & ((1n << unit) - 1n),
  )
  return bits === 32 ? parts.join('.') : hexadecimal(parts.map((part) => part.toString(16)).join(':'))
}

/** `10.1.2.3/8` → `10.0.0.0/8`. The text must be an address or a network; an address stays as it is. */
export function withoutHostBits(text: string): string {
  const [address = '', length] = text.split('/')
  if (length === undefined) return text
  const bits = bitsOf(address)
  const host = BigInt(bits - Number(length))
  const value = numberOf(address)
  const start = (value >> host) << host
  return start === value ? text : `${textOf(start, bits)}/${length}`
}

import type { Net } from '../../geo/cover.ts'
import { longestPrefix } from '../../geo/prefix.ts'

/**
 * The nets of a map, with an answer for resolvers that do not disclose their users' network.
 *
 * They send 0.0.0.0/0 or ::/0, and the answer must have scope 0 (RFC 7871, 7.2.1). Knot looks up the address and answers
 * with the length of the net that it finds. So the net that begins with the family's first address is cut down until only
 * the longest prefix around that address is missing, and a /0 stands for it. Everything else is in a net of its own, so
 * nobody with a network gets the /0: a resolver would keep that answer for all of its users.
 */
export function* withGeneric(nets: Iterable<Net>): Generator<Net> {
  for (const net of nets) {
    if (net.high !== 0 || net.low !== 0 || net.length === 0) {
      yield net
      continue
    }
    yield { ...net, length: 0 }
    for (let length = longestPrefix[net.family]; length > net.length; length--) {
      const [high, low] = length <= 32 ? [2 ** (32 - length), 0] : [0, 2 ** (64 - length)]
      yield { ...net, high, low, length }
    }
  }
}

import { type Prefix, parsePrefix } from './prefix.ts'

/**
 * Networks without a place: "this network", private and link-local addresses. No place is looked up for them, even when
 * a database claims one, and they do not inherit that of a neighbour. 0.0.0.0 and :: matter most: a resolver whose user
 * opts out of disclosing the network sends 0.0.0.0/0 or ::/0 (RFC 7871, 7.1.2).
 */
export const specialPrefixes: readonly Prefix[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '::/8',
  'fc00::/7',
  'fe80::/10',
].map((text) => parsePrefix(text)!)

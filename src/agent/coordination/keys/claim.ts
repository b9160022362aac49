import type { KeyKind } from './kind.ts'

/**
 * `claims/<lease>`: the region that carries out the revocation of Patroni's lease, under its agent's lease. The value is
 * compared as it is, so it has no other form than the region's name.
 */
export const claimKind: KeyKind<string> = {
  path: 'claims/',
  read: ({ value }) =>
    /^[a-z0-9-]{1,63}$/.test(value) ? { value } : { damaged: 'expected the name of a region' },
}

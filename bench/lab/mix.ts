import type { MixInput } from '../../src/lab/users/plan/mix.ts'

/** The kind of request that writes. */
export const writeKind = 'order'

/** Typical use of the shop, with one order in twenty requests. */
export const visits: MixInput = {
  steps: 8,
  think: '1s-5s',
  first: 'home',
  // Assets are many and fast, and would hide the latency of pages.
  assets: false,
  requests: {
    home: { weight: 2, get: '/' },
    product: { weight: 6, follow: '/products/', get: '/products/{id}', values: { id: '1..2000' } },
    search: { weight: 2, get: '/?q={word}', values: { word: ['mug', 'lamp', 'linen', 'tea', 'garden'] } },
    history: { weight: 1, get: '/orders' },
    [writeKind]: {
      // Relative to requests after a visit's first. The shop answers with a redirect, which adds a read.
      weight: 0.7,
      post: '/orders',
      values: { id: '1..2000', quantity: '1..3' },
      form: { reference: '{reference}', 'product-{id}': '{quantity}' },
    },
  },
}

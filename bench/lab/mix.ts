import type { MixInput } from '../../src/lab/users/plan/mix.ts'

/** The kind of the writes. */
export const writeKind = 'order'

/** As people use the shop, with an order among every twenty requests. */
export const visits: MixInput = {
  steps: 8,
  think: '1s-5s',
  first: 'home',
  // They are fast and many, and would hide what pages take.
  assets: false,
  requests: {
    home: { weight: 2, get: '/' },
    product: { weight: 6, follow: '/products/', get: '/products/{id}', values: { id: '1..2000' } },
    search: { weight: 2, get: '/?q={word}', values: { word: ['mug', 'lamp', 'linen', 'tea', 'garden'] } },
    history: { weight: 1, get: '/orders' },
    [writeKind]: {
      // Of the requests after a visit's first; the shop answers it with a redirect, which is one more read.
      weight: 0.7,
      post: '/orders',
      values: { id: '1..2000', quantity: '1..3' },
      form: { reference: '{reference}', 'product-{id}': '{quantity}' },
    },
  },
}

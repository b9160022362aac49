import { checkMix, type Mix, type MixInput } from './mix.ts'

/** User behaviour in the example shop (examples/shop). */

const browsing = {
  home: { weight: 2, get: '/' },
  search: {
    weight: 2,
    get: '/?q={word}',
    values: { word: ['mug', 'lamp', 'linen', 'tea', 'garden', 'book', 'wool', 'stone', 'box', 'candle'] },
  },
  product: { weight: 4, follow: '/products/', get: '/products/{id}', values: { id: '1..2000' } },
  // The product page's "often bought together".
  recommendation: {
    weight: 2,
    follow: '/products/',
    on: 'product',
    get: '/products/{id}',
    values: { id: '1..2000' },
  },
} satisfies MixInput['requests']

const inputs = {
  browse: { steps: 8, think: '1s-5s', first: 'home', requests: browsing },
  checkout: {
    steps: 8,
    think: '1s-5s',
    first: 'home',
    requests: {
      ...browsing,
      order: {
        weight: 2,
        post: '/orders',
        values: { id: '1..2000', quantity: '1..3' },
        form: { reference: '{reference}', 'product-{id}': '{quantity}' },
      },
      history: { weight: 1, get: '/orders' },
    },
  },
} satisfies Record<string, MixInput>

export const mixNames = Object.keys(inputs) as (keyof typeof inputs)[]

export const shopMix = (name: keyof typeof inputs): Mix => checkMix(inputs[name], name)

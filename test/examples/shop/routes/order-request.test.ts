import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseFormOrder, parseJsonOrder } from '../../../../examples/shop/routes/order-request.ts'

test('JSON and a form can express the same order', () => {
  const expected = {
    ok: true,
    request: {
      reference: 'order-1',
      lines: [
        { productId: 12, quantity: 2 },
        { productId: 17, quantity: 1 },
      ],
    },
  }
  assert.deepEqual(
    parseJsonOrder(
      '{"reference":"order-1","lines":[{"productId":12,"quantity":2},{"productId":17,"quantity":1}]}',
    ),
    expected,
  )
  assert.deepEqual(parseFormOrder('reference=order-1&product-12=2&product-17=1'), expected)
})

test('the reference is optional, and products of a form without a quantity are ignored', () => {
  assert.deepEqual(parseFormOrder('product-1=3&product-2=&product-3=0'), {
    ok: true,
    request: { reference: undefined, lines: [{ productId: 1, quantity: 3 }] },
  })
})

test('every problem of an order is reported with its path', () => {
  const lines = [
    { productId: 1, quantity: 0 },
    { productId: '2', quantity: 1 },
    { productId: 3, quantity: 1.5 },
    { productId: 3, quantity: 100 },
    null,
  ]
  assert.deepEqual(parseJsonOrder(JSON.stringify({ reference: 'no spaces', lines })), {
    ok: false,
    problems: [
      'reference: expected 1 to 64 letters, digits, ".", ":", "_" or "-"',
      'lines[0].quantity: expected a number from 1 to 99',
      'lines[1].productId: expected the number of a product',
      'lines[2].quantity: expected a number from 1 to 99',
      'lines[3].productId: 3 is a duplicate',
      'lines[3].quantity: expected a number from 1 to 99',
      'lines[4].productId: expected the number of a product',
      'lines[4].quantity: expected a number from 1 to 99',
    ],
  })
})

test('an order has at least one line and at most 20', () => {
  const withLines = (count: number) =>
    parseJsonOrder(
      JSON.stringify({ lines: Array.from({ length: count }, (_, i) => ({ productId: i + 1, quantity: 1 })) }),
    )
  assert.equal(withLines(20).ok, true)
  assert.deepEqual(withLines(21), { ok: false, problems: ['lines: expected 1 to 20 products, found 21'] })
  assert.deepEqual(withLines(0), { ok: false, problems: ['lines: expected 1 to 20 products, found 0'] })
})

test('any input is parsed without a crash, and never accepted if the database would refuse it', () => {
  const isSound = (parsed: ReturnType<typeof parseJsonOrder>) =>
    !parsed.ok ||
    parsed.request.lines.every(
      ({ productId, quantity }) =>
        Number.isInteger(productId) && productId > 0 && productId < 2 ** 31 && quantity > 0 && quantity < 100,
    )
  const line = fc.record({ productId: fc.anything(), quantity: fc.anything() })
  fc.assert(
    fc.property(fc.string(), (body) => isSound(parseJsonOrder(body)) && isSound(parseFormOrder(body))),
  )
  fc.assert(
    fc.property(fc.anything(), fc.array(fc.oneof(line, fc.anything())), (reference, lines) =>
      isSound(
        parseJsonOrder(JSON.stringify({ reference, lines }, (_, v) => (typeof v === 'bigint' ? `${v}` : v))),
      ),
    ),
  )
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, quantity) =>
      isSound(parseFormOrder(new URLSearchParams([[`product-${name}`, quantity]]).toString())),
    ),
  )
})

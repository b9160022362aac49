import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateOrders, generateProducts } from '../../../../examples/shop/generator/generate.ts'

const products = generateProducts(7)
const orders = generateOrders(7, products, 500)

test('the shop is determined by the seed', () => {
  assert.deepEqual(generateProducts(7), products)
  assert.deepEqual(generateOrders(7, products, 500), orders)
  assert.notDeepEqual(generateProducts(8), products)
  assert.notDeepEqual(generateOrders(8, products, 500), orders)
})

test('there are 2,000 products with consecutive ids and unique names', () => {
  assert.deepEqual(
    products.map(({ id }) => id),
    Array.from({ length: 2_000 }, (_, index) => index + 1),
  )
  assert.equal(new Set(products.map(({ name }) => name)).size, 2_000)
  assert.ok(products.every(({ priceCents }) => Number.isInteger(priceCents) && priceCents > 0))
})

test('an order has 1 to 5 different products, at their prices', () => {
  const prices = new Map(products.map(({ id, priceCents }) => [id, priceCents]))
  for (const { lines } of orders) {
    assert.ok(lines.length >= 1 && lines.length <= 5)
    assert.equal(new Set(lines.map(({ productId }) => productId)).size, lines.length)
    assert.ok(lines.every(({ productId, unitPriceCents }) => prices.get(productId) === unitPriceCents))
  }
  assert.equal(new Set(orders.map(({ id }) => id)).size, orders.length)
  assert.equal(new Set(orders.map(({ reference }) => reference)).size, orders.length)
})

test('most products are bought with others of their series, so that recommendations are meaningful', () => {
  const series = (productId: number) => products[productId - 1]!.name.split(' ', 1)[0]
  const pairs = orders.flatMap(({ lines }) => lines.slice(1).map((line) => [lines[0]!, line] as const))
  const matching = pairs.filter(([first, other]) => series(first.productId) === series(other.productId))
  assert.ok(matching.length > pairs.length / 2, `${matching.length} of ${pairs.length}`)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layout } from '../../../../examples/shop/pages/layout.ts'
import { orderPage } from '../../../../examples/shop/pages/orders.ts'
import { problemPage } from '../../../../examples/shop/pages/problem.ts'
import { listAddress, productPage, productsPage } from '../../../../examples/shop/pages/products.ts'
import type { Product } from '../../../../examples/shop/store/products.ts'

const frame = { region: 'us-west', edge: undefined, asset: (name: string) => `/assets/${name}` }
const attack = `<script>alert("x")</script>'`
const product: Product = {
  id: 3,
  name: 'Fjord Teapot',
  category: 'Kitchen',
  description: 'Pours well.',
  priceCents: 123_450,
  motif: 'pot',
  hue: 214,
}

test('no page contains unescaped markup from data or requests', async () => {
  const evil: Product = { ...product, name: attack, category: attack, description: attack }
  const order = {
    id: 'x',
    reference: attack,
    placedAt: '2026-01-01T00:00:00Z',
    totalCents: 1,
    lines: [{ productId: 1, name: attack, quantity: 1, unitPriceCents: 1 }],
  }
  const pages = [
    productsPage({
      search: attack,
      category: attack,
      categories: [attack],
      found: { products: [evil], total: 30, page: 1, pages: 2 },
    }),
    productPage({ product: evil, together: [evil], similar: [evil], reference: attack }),
    orderPage(order),
    problemPage({ status: 400, code: 'x', title: attack, advice: attack, details: [attack] }),
  ]
  for (const page of pages) {
    const markup = String(await layout({ ...frame, region: attack, edge: `${attack}2` }, page))
    assert.doesNotMatch(markup, /<script>alert/)
    assert.doesNotMatch(markup, /"x"/)
    assert.match(markup, /&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt;&#39;/)
  }
})

test('a page shows the region that served it, and the receiving one if different', async () => {
  const page = { title: 'x', body: '' as never }
  assert.match(String(await layout(frame, page)), /served by <b>us-west<\/b>/)
  assert.doesNotMatch(String(await layout({ ...frame, edge: 'us-west' }, page)), /received/)
  assert.match(String(await layout({ ...frame, edge: 'us-east' }, page)), /received at <b>us-east<\/b>/)
})

test('prices are formatted as money', async () => {
  const { body } = productPage({ product, together: [], similar: [], reference: 'r' })
  assert.match(String(await body), /\$1,234\.50/)
})

test('the address of a listing contains only its filters', () => {
  assert.equal(listAddress({}), '/')
  assert.equal(listAddress({ search: 'mug & bowl', page: 1 }), '/?q=mug+%26+bowl')
  assert.equal(
    listAddress({ search: 'mug', category: 'Kitchen', page: 2 }),
    '/?q=mug&category=Kitchen&page=2',
  )
})

test('the pager links to existing pages', async () => {
  const at = async (page: number) =>
    String(
      await productsPage({
        search: 'mug',
        category: '',
        categories: [],
        found: { products: [product], total: 60, page, pages: 3 },
      }).body,
    )
  assert.doesNotMatch(await at(1), /rel="prev"/)
  assert.match(await at(2), /rel="prev" href="\/\?q=mug"/)
  assert.match(await at(2), /rel="next" href="\/\?q=mug&amp;page=3"/)
  assert.doesNotMatch(await at(3), /rel="next"/)
})

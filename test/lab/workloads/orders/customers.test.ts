import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Customers } from '../../../../src/lab/workloads/orders/customers.ts'

describe('customers of the shop', () => {
  test('become new customers before their page cannot show all orders', () => {
    const customers = new Customers(['east'], 1)
    const orders = Array.from({ length: 3000 }, (_, n) => customers.order('east', n))
    const byCustomer = Map.groupBy(orders, ({ customer }) => customer)
    assert.ok([...byCustomer.values()].every((some) => some.length <= 40))
    assert.ok(orders.every(({ reference }) => /^[\w.:-]{1,64}$/.test(reference)))
    assert.notEqual(new Customers(['east'], 1).prefix, customers.prefix)
  })
})

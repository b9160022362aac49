import { html } from 'hono/html'
import type { Order } from '../store/orders.ts'
import { moment, money } from './format.ts'
import type { Html, Page } from './layout.ts'

export function orderPage(order: Order): Page {
  return {
    title: 'Your order',
    body: html`
      <h1>Thank you</h1>
      <p>Placed on ${moment(order.placedAt)}. Reference <code>${order.reference}</code></p>
      ${orderCard(order)}
      <p><a href="/orders">All your orders</a> · <a href="/">Continue shopping</a></p>`,
  }
}

export function ordersPage(orders: Order[]): Page {
  return {
    title: 'Your orders',
    body: html`
      <h1>Your orders</h1>
      ${
        orders.length === 0
          ? html`<p class="empty">Nothing here yet. <a href="/">Have a look around</a>.</p>`
          : orders.map(
              (order) => html`<section class="history">
                <h2><a href="/orders/${order.id}">${moment(order.placedAt)}</a></h2>${orderCard(order)}
              </section>`,
            )
      }`,
  }
}

function orderCard({ lines, totalCents }: Order): Html {
  return html`<div class="order"><table>
    <thead><tr><th>Product</th><th class="number">Quantity</th><th class="number">Price</th></tr></thead>
    <tbody>${lines.map(
      ({ productId, name, quantity, unitPriceCents }) => html`<tr>
        <td><a href="/products/${productId}">${name}</a></td>
        <td class="number">${quantity}</td>
        <td class="number">${money(quantity * unitPriceCents)}</td>
      </tr>`,
    )}</tbody>
    <tfoot><tr><th colspan="2">Total</th><td class="number">${money(totalCents)}</td></tr></tfoot>
  </table></div>`
}

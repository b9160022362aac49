import { html } from 'hono/html'
import type { Product, ProductPage } from '../store/products.ts'
import { money } from './format.ts'
import type { Html, Page } from './layout.ts'
import { picture } from './picture.ts'

export type Listing = { search: string; category: string; categories: string[]; found: ProductPage }

export function productsPage(listing: Listing): Page {
  const { search, category, found } = listing
  const title = search ? `“${search}”` : category || 'Everyday things, well made'
  return {
    title,
    search,
    body: html`
      <h1>${title}</h1>
      <nav class="categories" aria-label="Categories">
        ${categoryLink('All', '', listing)}${listing.categories.map((name) => categoryLink(name, name, listing))}
      </nav>
      ${
        found.total === 0
          ? html`<p class="empty">Nothing found. Try fewer words, or <a href="/">see everything</a>.</p>`
          : html`<p class="count">${found.total.toLocaleString('en-US')} ${found.total === 1 ? 'thing' : 'things'}</p>
            <div class="cards">${found.products.map(card)}</div>`
      }
      ${pager(listing)}`,
  }
}

export function productPage(view: {
  product: Product
  together: Product[]
  similar: Product[]
  reference: string
}): Page {
  const { product, together, similar, reference } = view
  return {
    title: product.name,
    body: html`
      <form class="product" method="post" action="/orders">
        <input type="hidden" name="reference" value="${reference}">
        ${picture(product)}
        <div>
          <p class="crumb"><a href="${listAddress({ category: product.category })}">${product.category}</a></p>
          <h1>${product.name}</h1>
          <p class="price">${money(product.priceCents)}</p>
          <p>${product.description}</p>
          ${together.length > 0 ? togetherBox(together) : ''}
          <div class="buy">
            <label>Quantity <input type="number" name="product-${product.id}" value="1" min="1" max="99" required></label>
            <button>Place order</button>
          </div>
        </div>
      </form>
      ${
        similar.length > 0
          ? html`<section><h2>More in ${product.category}</h2><div class="cards">${similar.map(card)}</div></section>`
          : ''
      }`,
  }
}

function togetherBox(products: Product[]): Html {
  return html`<fieldset class="together">
    <legend>Often bought together</legend>
    ${products.map(
      (product) => html`<div>
        <input type="checkbox" name="product-${product.id}" value="1" aria-label="Add ${product.name} to the order">
        <a href="/products/${product.id}">${picture(product)}<span>${product.name}</span></a>
        <span>${money(product.priceCents)}</span>
      </div>`,
    )}
  </fieldset>`
}

function card(product: Product): Html {
  return html`<a class="card" href="/products/${product.id}">
    ${picture(product)}<span class="title">${product.name}</span><span class="price">${money(product.priceCents)}</span>
  </a>`
}

function categoryLink(label: string, category: string, listing: Listing): Html {
  const current = category === listing.category ? html` aria-current="true"` : ''
  return html`<a href="${listAddress({ search: listing.search, category })}"${current}>${label}</a>`
}

function pager({ search, category, found: { page, pages } }: Listing): Html {
  if (pages === 1) return html``
  const link = (to: number, label: string, rel: string) =>
    to >= 1 && to <= pages
      ? html`<a rel="${rel}" href="${listAddress({ search, category, page: to })}">${label}</a>`
      : html`<span></span>`
  return html`<nav class="pager" aria-label="Pages">
    ${link(page - 1, '← Previous', 'prev')}<span>Page ${page} of ${pages}</span>${link(page + 1, 'Next →', 'next')}
  </nav>`
}

/** The address of a listing, without default values. */
export function listAddress({ search = '', category = '', page = 1 }): string {
  const query = new URLSearchParams()
  if (search !== '') query.set('q', search)
  if (category !== '') query.set('category', category)
  if (page > 1) query.set('page', String(page))
  return query.size > 0 ? `/?${query}` : '/'
}

import { html } from 'hono/html'

/** Escaped markup. Everything else in an `html` template is escaped there. */
export type Html = ReturnType<typeof html>

/** Request data for every page. */
export type Frame = {
  /** The region whose app renders this page. */
  region: string
  /** The region whose edge received the request, if one did. */
  edge: string | undefined
  asset(name: string): string
}

export type Page = { title: string; search?: string; body: Html }

export const shopName = 'Harbour Goods'

export function layout(frame: Frame, { title, search = '', body }: Page): Html {
  return html`<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>${title} · ${shopName}</title>
  <link rel="icon" href="/assets/favicon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="${frame.asset('shop.css')}">
  <script type="module" src="${frame.asset('shop.js')}"></script>
</head>
<body>
  <a class="skip" href="#content">Skip to content</a>
  <header class="top">
    <a class="name" href="/"><img src="/assets/favicon.svg" alt="" width="28" height="28">${shopName}</a>
    <form class="search" action="/" role="search">
      <input type="search" name="q" value="${search}" maxlength="100" placeholder="Search the shop" aria-label="Search products">
      <button>Search</button>
    </form>
    <a class="orders" href="/orders">Your orders</a>
    ${servedBy(frame)}
  </header>
  <main id="content">${body}</main>
  <footer>
    <p data-ticker hidden></p>
    <p>${shopName} is an example. Nothing is sold and nobody is charged.</p>
  </footer>
</body>
</html>`
}

function servedBy({ region, edge }: Frame): Html {
  const received = edge !== undefined && edge !== region ? html`<span>received at <b>${edge}</b></span>` : ''
  return html`<p class="served"><span>served by <b>${region}</b></span>${received}</p>`
}

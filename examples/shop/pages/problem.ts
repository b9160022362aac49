import { html } from 'hono/html'
import type { Html, Page } from './layout.ts'

export type Problem = {
  status: 400 | 403 | 404 | 409 | 413 | 415 | 500 | 503
  /** For programs. */
  code: string
  title: string
  /** The consequence for the customer, and what to do. */
  advice: string
  /** For people: where to continue. */
  link?: { href: string; label: string }
  /** For programs: details of what is wrong with the request. */
  details?: string[]
}

export function problemPage({
  title,
  advice,
  link = { href: '/', label: 'Back to the shop' },
  details = [],
}: Problem): Page {
  return {
    title,
    body: html`<div class="problem">
      <h1>${title}</h1>
      <p>${advice}</p>
      ${list(details)}
      <p><a href="${link.href}">${link.label}</a></p>
    </div>`,
  }
}

const list = (details: string[]): Html | '' =>
  details.length === 0 ? '' : html`<ul>${details.map((detail) => html`<li>${detail}</li>`)}</ul>`

import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { isUuid } from './respond.ts'

const cookieName = 'shop_customer'
const aYearSeconds = 365 * 24 * 60 * 60

/** The customer who ordered from this browser before. Browsing sets no cookie, so that pages stay the same for everyone. */
export function knownCustomer(c: Context): string | undefined {
  const id = getCookie(c, cookieName)
  return isUuid(id) ? id : undefined
}

/** An anonymous customer: a random id in a cookie. */
export function customerOf(c: Context): string {
  return knownCustomer(c) ?? randomUUID()
}

export function rememberCustomer(c: Context, id: string): void {
  setCookie(c, cookieName, id, {
    httpOnly: true,
    sameSite: 'Lax',
    secure: c.req.header('x-forwarded-proto') === 'https',
    path: '/',
    maxAge: aYearSeconds,
  })
}

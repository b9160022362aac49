import { largestProductId } from '../store/products.ts'

export type OrderRequest = {
  reference: string | undefined
  lines: { productId: number; quantity: number }[]
}

export type Parsed = { ok: true; request: OrderRequest } | { ok: false; problems: string[] }

export const mostLines = 20
export const mostOfOne = 99
const referencePattern = /^[\w.:-]{1,64}$/

export const isReference = (value: unknown): value is string =>
  typeof value === 'string' && referencePattern.test(value)

/** `{"reference": "...", "lines": [{"productId": 12, "quantity": 2}]}`; the reference is optional. */
export function parseJsonOrder(body: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    return { ok: false, problems: ['body: expected JSON'] }
  }
  if (!isObject(value)) return { ok: false, problems: ['body: expected an object'] }
  if (!Array.isArray(value.lines)) return { ok: false, problems: ['lines: expected a list'] }
  const lines = value.lines.map((line: unknown) =>
    isObject(line)
      ? { productId: line.productId, quantity: line.quantity }
      : { productId: undefined, quantity: undefined },
  )
  return check(value.reference, lines)
}

/** `reference=...&product-12=2&product-17=1`; products with an empty quantity or 0 are ignored. */
export function parseFormOrder(body: string): Parsed {
  const form = new URLSearchParams(body)
  const lines = Array.from(form)
    .filter(([name, quantity]) => name.startsWith('product-') && quantity !== '' && quantity !== '0')
    .map(([name, quantity]) => ({
      productId: Number(name.slice('product-'.length)),
      quantity: Number(quantity),
    }))
  return check(form.get('reference') ?? undefined, lines)
}

function check(reference: unknown, lines: { productId: unknown; quantity: unknown }[]): Parsed {
  const problems: string[] = []
  if (reference !== undefined && !isReference(reference)) {
    problems.push('reference: expected 1 to 64 letters, digits, ".", ":", "_" or "-"')
  }
  if (lines.length === 0 || lines.length > mostLines) {
    problems.push(`lines: expected 1 to ${mostLines} products, found ${lines.length}`)
  }
  const checked: OrderRequest['lines'] = []
  const seen = new Set<unknown>()
  for (const [index, { productId, quantity }] of lines.slice(0, mostLines).entries()) {
    const isProduct = isWholeNumber(productId, 1, largestProductId)
    const isQuantity = isWholeNumber(quantity, 1, mostOfOne)
    if (!isProduct) problems.push(`lines[${index}].productId: expected the number of a product`)
    else if (seen.has(productId)) problems.push(`lines[${index}].productId: ${productId} is a duplicate`)
    if (!isQuantity) problems.push(`lines[${index}].quantity: expected a number from 1 to ${mostOfOne}`)
    if (isProduct && isQuantity) checked.push({ productId, quantity })
    seen.add(productId)
  }
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, request: { reference: reference as string | undefined, lines: checked } }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isWholeNumber(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

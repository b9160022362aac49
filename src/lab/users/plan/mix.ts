import * as z from 'zod'
import { didYouMean } from '../../../lib/did-you-mean.ts'
import { NearsideError } from '../../../lib/errors.ts'
import { durationMs } from '../../../lib/quantities.ts'

/** User behaviour: kinds of requests with weights, and the pace. */
export type Mix = {
  name: string
  /** Mean number of requests per visit, at least 1, geometrically distributed; without assets and redirects. */
  steps: number
  /** Time between two requests of a user, uniformly distributed. */
  thinkMs: { min: number; max: number }
  /** Kind of the first request of every visit. */
  first: string | undefined
  /** Whether the first page also loads its styles, scripts and images, as with an empty browser cache. */
  assets: boolean
  requests: Readonly<Record<string, RequestKind>>
}

export type RequestKind = {
  /** Relative frequency. */
  weight: number
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path and query; `{name}` is replaced by one of `values`, `{reference}` by a new one for each request. */
  path: string
  /** Prefix of a link to follow from a page that the user has seen; falls back to `path`. */
  follow: { prefix: string; on: string | undefined } | undefined
  /** `{name}`: one of these, uniformly; two numbers [low, high] are a range. */
  values: Readonly<Record<string, readonly string[] | { low: number; high: number }>>
  /** Body text with the same placeholders, and its content type. */
  body: { type: string; text: string } | undefined
  /** Further request headers. */
  headers: Readonly<Record<string, string>>
}

const name = z
  .string()
  .regex(/^[a-z][a-z0-9 -]{0,39}$/, 'a name of a-z, 0-9, spaces and -, such as "product"')
const path = z.string().regex(/^\/[^\s#]*$/, 'a path such as "/products/{id}"')
const thinkTime = durationMs({ example: '2s' })
const span = z.string().refine((text) => spanMs(text) !== undefined, 'a time or two, such as "2s" or "1s-5s"')

const requestSchema = z.strictObject({
  weight: z.number().min(0).max(1e6).default(1),
  get: path.optional(),
  post: path.optional(),
  put: path.optional(),
  patch: path.optional(),
  delete: path.optional(),
  follow: z
    .string()
    .regex(/^\/[^\s#]*$/, 'the prefix of a path such as "/products/"')
    .optional(),
  on: name.optional(),
  values: z
    .record(
      z.string(),
      z.union([
        z.string().regex(/^-?\d+\.\.-?\d+$/, 'a range such as "1..2000" or a list'),
        z.array(z.union([z.string(), z.number()])).min(1),
      ]),
    )
    .default({}),
  form: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
  json: z.unknown().optional(),
  headers: z.record(z.string().regex(/^[A-Za-z0-9-]+$/, 'a header name'), z.string()).default({}),
})

const mixSchema = z.strictObject({
  name: z.string().min(1).max(60).optional(),
  steps: z.number().min(1).max(1000).default(8),
  think: span.default('1s-5s'),
  first: name.optional(),
  assets: z.boolean().default(true),
  requests: z
    .record(name, requestSchema)
    .refine((all) => Object.keys(all).length > 0, 'at least one request'),
})

export type MixInput = z.input<typeof mixSchema>

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const
/** Built-in placeholders. */
const ownPlaceholders = ['reference', 'user']

/**
 * Parses and validates a mix from a file or from code. Throws one NearsideError with all problems.
 *
 *     name: my app
 *     steps: 8                     # mean requests per visit
 *     think: 1s-5s                 # time between two requests
 *     first: home
 *     requests:
 *       home:    { weight: 2, get: / }
 *       product: { weight: 4, follow: /products/, get: "/products/{id}", values: { id: 1..2000 } }
 *       search:  { weight: 2, get: "/?q={word}", values: { word: [tea, lamp] } }
 *       order:   { weight: 1, post: /orders, form: { reference: "{reference}", product-12: 1 } }
 */
export function checkMix(input: unknown, source: string): Mix {
  const parsed = mixSchema.safeParse(input)
  if (!parsed.success)
    throw invalid(
      source,
      parsed.error.issues.map((issue) => sentence(issue, input)),
    )
  const { name: given, steps, think, first, assets, requests } = parsed.data
  const problems: Problem[] = []
  const kinds = Object.entries(requests).map(([kind, request]): [string, RequestKind] => {
    const at = `requests.${kind}`
    const { weight, follow, on, form, json, headers } = request
    const named = methods.filter((method) => request[method] !== undefined)
    const [method = 'get'] = named
    if (named.length !== 1)
      problems.push({
        text: `${at}: expected one of ${methods.join(', ')} with a path, found ${named.length}`,
      })
    if (form !== undefined && json !== undefined)
      problems.push({ text: `${at}: expected form or json, found both` })
    if ((form !== undefined || json !== undefined) && method === 'get')
      problems.push({ text: `${at}: expected no body, because get has none` })
    if (follow !== undefined && method !== 'get')
      problems.push({ text: `${at}: expected get, because only get can follow a link` })
    if (on !== undefined) known(problems, `${at}.on`, on, Object.keys(requests))
    const values = Object.fromEntries(
      Object.entries(request.values).map(([key, value]) => [key, valuesOf(value)]),
    )
    const body = bodyOf(form, json)
    const path = request[method] ?? '/'
    const texts = [path, body?.text ?? '', ...Object.values(headers)]
    for (const [, placeholder] of texts.join(' ').matchAll(/(?<!\{)\{(\w+)\}/g)) {
      known(problems, `${at}: {${placeholder}}`, placeholder!, [...ownPlaceholders, ...Object.keys(values)])
    }
    return [
      kind,
      {
        weight,
        method: method.toUpperCase() as RequestKind['method'],
        path,
        follow: follow === undefined ? undefined : { prefix: follow, on },
        values,
        body,
        headers: Object.fromEntries(
          Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]),
        ),
      },
    ]
  })
  if (first !== undefined) known(problems, 'first', first, Object.keys(requests))
  if (kinds.every(([, { weight }]) => weight === 0))
    problems.push({ text: 'requests: expected at least one with a weight above 0' })
  if (problems.length > 0) throw invalid(source, problems)
  return {
    name: given ?? source,
    steps,
    thinkMs: spanMs(think)!,
    first,
    assets,
    requests: Object.fromEntries(kinds),
  }
}

type Problem = { text: string; remedy?: string }

function known(problems: Problem[], at: string, name: string, names: readonly string[]): void {
  if (names.includes(name)) return
  const text = `${at}: expected ${names.join(', ')}, got ${name}`
  problems.push({ text, remedy: didYouMean(name, names) })
}

function sentence(issue: z.core.$ZodIssue, input: unknown): Problem {
  const at = issue.path.map(String).join('.')
  const where = at === '' ? '' : `${at}: `
  if (at === '' && issue.code === 'invalid_type') return { text: 'expected keys and values (requests: …)' }
  if (issue.code === 'unrecognized_keys') {
    const names = Object.keys((issue.path.length === 0 ? mixSchema : requestSchema).shape)
    const [key = ''] = issue.keys
    const text = `${where}unknown key ${issue.keys.join(', ')}; expected ${names.join(', ')}`
    return { text, remedy: didYouMean(key, names) }
  }
  const own = issue.code === 'custom' || issue.code === 'invalid_format'
  const inner = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined
  const value = issue.path.reduce<unknown>(
    (from, key) => (from as Record<PropertyKey, unknown> | undefined)?.[key],
    input,
  )
  const wanted = issue.code === 'invalid_type' ? typeWords[issue.expected] : limitWords(issue)
  const shown = value === undefined ? 'nothing' : (JSON.stringify(value)?.slice(0, 60) ?? typeof value)
  return {
    text: own
      ? `${where}expected ${issue.message}, got ${shown}`
      : inner
        ? `${where}expected ${inner}`
        : `${where}${wanted ? `expected ${wanted}, got ${shown}` : issue.message}`,
  }
}

const typeWords: Readonly<Record<string, string>> = {
  number: 'a number',
  string: 'a string',
  boolean: 'true or false',
  object: 'keys and values',
  record: 'keys and values',
  array: 'a list',
}

/** Describes a limit of a number, string or list, or a choice. */
function limitWords(issue: z.core.$ZodIssue): string | undefined {
  if (issue.code === 'invalid_union') return 'a range such as "1..2000" or a list'
  if (issue.code !== 'too_small' && issue.code !== 'too_big') return undefined
  const limit = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`
  if (issue.origin === 'string') return `a string of ${limit} characters`
  return issue.origin === 'array' ? `a list of ${limit}` : `a number of ${limit}`
}

function invalid(source: string, problems: readonly Problem[]): NearsideError {
  const remedy =
    problems.find((problem) => problem.remedy)?.remedy ??
    'docs/operate/simulated-users.md describes the format of a mix'
  const text = problems.map((problem) => problem.text)
  return new NearsideError(
    'usage_mix',
    text.length === 1
      ? `${source}: ${text[0]}`
      : [`${source}: ${text.length} problems`, ...text.map((one) => `  ${one}`)].join('\n'),
    { remedy },
  )
}

function spanMs(text: string): { min: number; max: number } | undefined {
  const ends = text.split('-').map(thinkTime.parse)
  const [min, max = min] = ends
  return min === undefined || max === undefined || ends.length > 2 || ends.includes(undefined) || max < min
    ? undefined
    : { min, max }
}

function valuesOf(value: string | (string | number)[]): RequestKind['values'][string] {
  if (typeof value !== 'string') return value.map(String)
  const [a = 0, b = 0] = value.split('..').map(Number)
  return { low: Math.min(a, b), high: Math.max(a, b) }
}

function bodyOf(form: Record<string, string | number> | undefined, json: unknown): RequestKind['body'] {
  if (form !== undefined) {
    const entries = Object.entries(form).map(([key, value]) =>
      [encoded(key), encoded(String(value))].join('='),
    )
    return { type: 'application/x-www-form-urlencoded', text: entries.join('&') }
  }
  return json === undefined ? undefined : { type: 'application/json', text: JSON.stringify(json) }
}

/** URL-encodes text except placeholders, whose values are names and numbers. */
const encoded = (text: string) => encodeURIComponent(text).replace(/%7B(\w+)%7D/g, '{$1}')

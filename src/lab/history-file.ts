import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { messageOf, NearsideError } from '../lib/errors.ts'
import { openPrivately } from '../lib/files.ts'
import type { FinalState, History, HistoryHeader, Mark, Op, View } from './history.ts'

/**
 * A history as a file: one JSON object per line, the header first. It works with grep and jq, and a file with millions
 * of operations need not be held in memory as text.
 *
 *     {"header":{…}}                    once, first
 *     {"op":{…}}                        each operation, in order of completion
 *     {"mark":{…}}
 *     {"final":{…}} {"view":{…}} …      final state and each of its views, if they were read
 *     {"end":{"ops":12345}}             last; missing in a truncated file
 *
 * A file is untrusted: reading it validates everything, and nothing in it is ever used as a path, a property name or a
 * pattern.
 */

const text = z.string().max(10_000)
const name = z.string().min(1).max(200)
const ms = z.number().min(0)
const whole = z.int()
const pairs = z.array(z.tuple([name, whole]))
const source = z.enum(['primary', 'replica'])

const common = {
  id: z.int().min(0),
  user: name,
  edge: name,
  servedBy: name.optional(),
  invokedMs: ms,
  completedMs: ms,
  outcome: z.enum(['ok', 'fail', 'unknown']),
  why: text,
}
const committed = {
  place: z.strictObject({ server: name, timeline: z.int().min(1) }).optional(),
  commitSentMs: ms.optional(),
}

const op = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, ...committed, kind: z.literal('append'), list: name, value: name }),
  z.strictObject({ ...common, kind: z.literal('readList'), list: name, source, values: z.array(name) }),
  z.strictObject({
    ...common,
    ...committed,
    kind: z.literal('transfer'),
    reference: name,
    from: name,
    to: name,
    amount: whole,
  }),
  z.strictObject({ ...common, kind: z.literal('readAccounts'), source, balances: pairs }),
  z.strictObject({
    ...common,
    ...committed,
    kind: z.literal('order'),
    reference: name,
    customer: name,
  }),
  z.strictObject({ ...common, kind: z.literal('readOrders'), customer: name, references: z.array(name) }),
  z.strictObject({ ...common, kind: z.literal('page'), path: text }),
]) satisfies z.ZodType<Op>

const header = z.strictObject({
  version: z.literal(1),
  world: name,
  bootId: name,
  epochOffsetMs: z.number(),
  seed: z.number().optional(),
}) satisfies z.ZodType<HistoryHeader>

const mark = z.strictObject({ atMs: ms, what: text }) satisfies z.ZodType<Mark>

const view = z.strictObject({
  region: name,
  source,
  lists: z.array(z.tuple([name, z.array(name)])).optional(),
  accounts: pairs.optional(),
  transfers: pairs.optional(),
  orders: pairs.optional(),
}) satisfies z.ZodType<View>

/** Each view has its own line: all in one line could exceed the maximum length of a string. */
const final = z.strictObject({
  accountsAtStart: pairs.optional(),
  absent: z.array(z.strictObject({ region: name, source, why: text })),
})

const schemas = { op, mark, view, final, header, end: z.strictObject({ ops: z.int() }) }
type Schemas = typeof schemas
type Line = { [Key in keyof Schemas]: { key: Key; value: z.infer<Schemas[Key]> } }[keyof Schemas]

/** A view of a very long run is tens of megabytes. */
const longestLineBytes = 256 * 1024 * 1024

/** The content of a file. Without `final`, the run ended before the final state was read. */
type Recorded = { history: History; final?: FinalState }

/** Mode 0600, and never through a symbolic link: names in it may reveal something about the world. */
export async function saveHistory(path: string, recorded: Recorded): Promise<void> {
  const file = await openPrivately(path)
  // The stream closes it, even after an error.
  await pipeline(textOf(recorded), file.createWriteStream())
}

function* textOf({ history, final: state }: Recorded): Generator<string> {
  const lines = (entries: readonly object[]) => entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')
  yield lines([{ header: history.header }])
  for (let at = 0; at < history.ops.length; at += 1000)
    yield lines(history.ops.slice(at, at + 1000).map((op) => ({ op })))
  yield lines(history.marks.map((mark) => ({ mark })))
  if (state) {
    const { views, ...rest } = state
    yield lines([{ final: rest }])
    for (const view of views) yield lines([{ view }])
  }
  yield lines([{ end: { ops: history.ops.length } }])
}

/** Rejects with the line number if the file is not a history, is damaged, or is truncated. */
export async function loadHistory(path: string): Promise<Recorded> {
  const ops: Op[] = []
  const marks: Mark[] = []
  const views: View[] = []
  let head: HistoryHeader | undefined
  let state: z.infer<typeof final> | undefined
  let ended = false
  let number = 0
  for await (const content of linesOf(path)) {
    number += 1
    const where = `${path}:${number}`
    const { key, value } = parseLine(content, where)
    if (ended) throw damaged(`${where}: expected nothing after the line "end"`)
    if ((key === 'header') !== (number === 1))
      throw damaged(`${where}: expected ${number === 1 ? 'the header' : 'no second header'}`)
    if (key === 'header') head = value
    if (key === 'op') ops.push(value)
    if (key === 'mark') marks.push(value)
    if (key === 'final') state = value
    if (key === 'view') views.push(value)
    if (key !== 'end') continue
    if (value.ops !== ops.length)
      throw damaged(`${where}: expected ${value.ops} operations, found ${ops.length}`)
    ended = true
  }
  if (!head || !ended) throw damaged(`${path}: expected a line "end", the file is truncated`)
  if (new Set(ops.map(({ id }) => id)).size < ops.length)
    throw damaged(`${path}: expected unique operation ids`)
  return { history: { header: head, ops, marks }, ...(state ? { final: { ...state, views } } : {}) }
}

function parseLine(content: string, where: string): Line {
  let entry: unknown
  try {
    entry = JSON.parse(content)
  } catch (error) {
    throw damaged(`${where}: expected JSON (${messageOf(error).slice(0, 100)})`)
  }
  const [[key, value] = ['', undefined], ...more] = Object.entries(entry ?? {})
  if (!Object.hasOwn(schemas, key) || more.length > 0)
    throw damaged(`${where}: expected one of ${Object.keys(schemas).join(', ')}`)
  const parsed = schemas[key as Line['key']].safeParse(value)
  if (parsed.success) return { key, value: parsed.data } as Line
  throw damaged(`${where}: ${key}: ${z.prettifyError(parsed.error).slice(0, 500)}`)
}

/** Not readline, which would hold a file without line breaks in memory, whatever its size. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let lengthBytes = 0
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      yield Buffer.concat([...parts, chunk.subarray(from, at)]).toString('utf8')
      parts = []
      lengthBytes = 0
      from = at + 1
    }
    const rest = chunk.subarray(from)
    lengthBytes += rest.length
    if (lengthBytes > longestLineBytes)
      throw damaged(`${path}: expected lines of at most ${longestLineBytes} bytes`)
    if (rest.length > 0) parts.push(rest)
  }
  if (parts.length > 0) yield Buffer.concat(parts).toString('utf8')
}

const damaged = (message: string) =>
  new NearsideError('history_damaged', message, {
    remedy: 'pass a file written by `nearside drill --history FILE`',
  })

import * as z from 'zod'
import { type KeyKind, parseBy, parseJsonBy, worldRoot } from './kind.ts'

/** `events/<time>…`: decisions with their inputs, and commands of operators; bounded. */
export type Event = { at: number; region: string; kind: string; detail: Record<string, unknown> }

/** Another version's kinds, details and further fields are kept: they are only shown. */
const event = z.looseObject({
  // A time that a date can have.
  at: z.number().min(0).max(8.64e15),
  region: z.string(),
  kind: z.string(),
  detail: z.record(z.string(), z.unknown()),
})

export const eventKind: KeyKind<Event> = {
  path: 'events/',
  read: ({ value }) => parseJsonBy(event, value),
}

/** The events among values that an agent sent, which may have another version. */
export const eventsAmong = (values: unknown): Event[] =>
  (Array.isArray(values) ? values : []).flatMap((value) => {
    const read = parseBy(event, value)
    return 'value' in read ? [read.value] : []
  })

/** The event's key and value. `number` tells the writer's events of the same millisecond apart. */
export function eventEntry(world: string, one: Event, number: number): { key: string; value: string } {
  const at = String(one.at).padStart(15, '0')
  return {
    key: `${worldRoot(world)}${eventKind.path}${at}-${one.region}-${number}`,
    value: JSON.stringify(one),
  }
}

import * as z from 'zod'
import type { ReleaseState } from '../../release/state.ts'
import { type KeyKind, parseJsonBy } from './kind.ts'

/** `releases/<run>`: the state of the app's release command in one run of the world. */
const state = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('running'), region: z.string() }),
  z.object({ kind: z.literal('ok') }),
  z.object({ kind: z.literal('failed'), why: z.string(), region: z.string(), logFile: z.string() }),
]) satisfies z.ZodType<ReleaseState>

export const releaseKind: KeyKind<ReleaseState> = {
  path: 'releases/',
  read: ({ value }) => parseJsonBy(state, value),
}

/** Equal states give equal texts, so a transaction can compare them. */
export const encodeRelease = (one: ReleaseState): string => JSON.stringify(one)

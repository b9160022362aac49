import type { KeyKind } from './kind.ts'

/** `served/<region>`: the run of the world in which the region was last healthy for the first time. */
export const servedKind: KeyKind<string> = {
  path: 'served/',
  read: ({ value }) => (/^[\w-]{1,64}$/.test(value) ? { value } : { damaged: 'expected the id of a run' }),
  until: (region) => `${region} is healthy`,
}

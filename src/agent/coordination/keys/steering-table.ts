import type { KeyKind } from './kind.ts'

/** `steering/table`: revision of the steering table that all regions answer from. It becomes a part of file names. */
export const steeringTableKind: KeyKind<string> = {
  path: 'steering/table',
  read: ({ value }) =>
    /^[0-9a-f]{1,128}$/.test(value) ? { value } : { damaged: 'expected the revision of a steering table' },
  until: () => 'the regions agree on a table again',
}

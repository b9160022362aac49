/**
 * Shows the operator one line about the work in progress (progress, warnings). `Output.note` of the CLI is a `Note`.
 */
export type Note = (text: string) => void

/** For callers that report only their result. */
export const noNote: Note = () => undefined

/** Tells the operator a line about the work under way (progress, warnings). `Output.note` of the CLI is one. */
export type Note = (text: string) => void

/** For callers whose answer says it all. */
export const silent: Note = () => undefined

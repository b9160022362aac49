/** Tells a person how it goes. */
export type Say = (line: string) => void

/** One line of what a part of a benchmark tells, from its own process: how it goes, then its result. */
export type Said = { say: string } | { result: unknown }

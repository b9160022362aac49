/** Shows progress. */
export type Say = (line: string) => void

/** One line from the process of a benchmark part: progress, then the result. */
export type Said = { say: string } | { result: unknown }

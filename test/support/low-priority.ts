import { getPriority, setPriority } from 'node:os'

/** Loaded before a test that starts no world, see suite.ts. A lower priority needs no privilege. */
setPriority(Math.max(getPriority(), 5))

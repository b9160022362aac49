/** An older snapshot of the state store is out of date: without a fault, a cycle runs every second. */
export const freshMs = 3000

/**
 * Imported for its effect on `needs.ts` alone: the test that imports it needs engines, and reaches them only through
 * the code that it tests.
 */
export {}

/**
 * Imported only to mark a test for `needs.ts`: the test needs engines, but reaches them only through the code that it
 * tests.
 */
export {}

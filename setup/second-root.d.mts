// For the benchmarks.
export function bringSecondRoot(name: string, packages: string[]): Promise<string>

// For the benchmarks.
export function installSecondRoot(name: string, packages: string[]): Promise<string>

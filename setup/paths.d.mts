// For the TypeScript sources, which share these paths with the set-up.
export type EngineRequirements = {
  suite: string
  packages: string[]
  minimum: Record<string, string>
  leaveOut: string[]
  layout: number
}
export type Requirements = {
  node: { minimum: string; package: string }
  host: { command: string; package: string }[]
  engines: EngineRequirements
}
export const home: string
export function isClone(folder: string): boolean
export function readRequirements(): Requirements
export function cacheDir(env: NodeJS.ProcessEnv): string
export function engineRootDir(env: NodeJS.ProcessEnv, engines: EngineRequirements): string
export function rootDir(env: NodeJS.ProcessEnv, name: string, engines: EngineRequirements): string

/**
 * What a region must have: files and processes. `compile` makes it from the topology, the agent makes it real.
 * Paths of files are relative to the region's folder; that folder is every engine's working directory.
 */

export type EngineName = 'etcd' | 'postgres' | 'redis' | 'varnish' | 'haproxy' | 'knot' | 'app'

export type PlanFile = {
  path: string
  /** 0o600 for everything that holds a secret. */
  mode: 0o600 | 0o644 | 0o755
  content: string
}

/** When a process counts as ready, and later as healthy. Asked at the region's own address. */
export type Check =
  | { kind: 'http'; port: number; path: string /** Status codes that count. */; expect: number[] }
  /** A connection; with `say` also an answer that begins with one of `hear`. */
  | { kind: 'tcp'; port: number; say?: string; hear?: string[] }
  /** A command of the engine itself, run as the process is (same sandbox); exit 0 counts. */
  | { kind: 'exec'; command: string[]; env?: Record<string, string> }

/**
 * How a running process is made to take new files of its own over, while what it serves goes on. Files that it does not
 * accept change nothing: it goes on with those that it has.
 */
export type Reload =
  /** A line to a Unix socket of the engine, below the region's folder. The answer begins with `hear`, or says why not. */
  | { kind: 'socket'; path: string; say: string; hear: string }
  /** A command of the engine itself, run as the process is (same sandbox); exit 0, or its output says why not. */
  | { kind: 'exec'; command: string[] }

export type PlanProcess = {
  /** Unique in its region: `haproxy`, `app-0`. */
  name: string
  engine: EngineName
  command: string[]
  /** May hold secrets: it is given as environment, never as arguments. */
  env: Record<string, string>
  /** `engine`: from the engine root, in the sandbox, in the region's folder. `host`: as the user runs it. */
  run: 'engine' | 'host'
  /** For `host` only; absolute. */
  cwd?: string
  /** Processes of the same region that must be ready first. */
  after: string[]
  ready: Check
  /** Started anew when it is not ready by then; 0: it may take as long as it takes. */
  readyTimeoutMs: number
  /** The engine's own judgement of the files that it starts from, as `run` says; exit 0 accepts them. */
  validate?: string[]
  /** Used when nothing but its files has changed. Without it the process is started anew. */
  reload?: Reload
  stop: { signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGUSR1'; timeoutMs: number }
}

export type RegionPlan = {
  region: string
  address: string
  /** Folders to make before the files, relative to the region's folder, all 0700. */
  folders: string[]
  files: PlanFile[]
  processes: PlanProcess[]
}

/** One engine's slice of a region's plan. */
export type EnginePart = Omit<RegionPlan, 'region' | 'address'>

export type Plan = {
  world: string
  /** By region name, in topology order. */
  regions: Record<string, RegionPlan>
}

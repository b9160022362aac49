/**
 * The files and processes of a region. `compile` derives them from the topology, the agent writes and runs them. File
 * paths are relative to the region's folder, which is also the working directory of every engine.
 */

export type EngineName = 'etcd' | 'postgres' | 'redis' | 'varnish' | 'haproxy' | 'knot' | 'app'

export type PlanFile = {
  path: string
  /** 0o600 for every file that contains a secret. */
  mode: 0o600 | 0o644 | 0o755
  content: string
}

/** HTTP status codes, both ends included. */
export type StatusRange = { from: number; to: number }

/** Decides whether a process is ready, and later whether it is healthy. Ports are on the region's own address. */
export type Check =
  /** Succeeds with a status code in `expect`. */
  | { kind: 'http'; port: number; path: string; expect: StatusRange }
  /** Succeeds with a connection; with `send`, the answer must also begin with one of `expect`. */
  | { kind: 'tcp'; port: number; send?: string; expect?: string[] }
  /** Runs one of the engine's own commands in the same sandbox as the process; succeeds with exit code 0. */
  | { kind: 'exec'; command: string[]; env?: Record<string, string> }

/**
 * How a running process reloads its own files without interrupting service. If it refuses the new files, it keeps
 * running with the old ones.
 */
export type Reload =
  /**
   * Sends a line to a Unix socket below the region's folder. An answer that does not begin with `expect` is the error.
   */
  | { kind: 'socket'; path: string; send: string; expect: string }
  /**
   * Runs one of the engine's own commands in the same sandbox. With another exit code than 0, its output is the error.
   */
  | { kind: 'exec'; command: string[] }

/** Ports below it need a privilege on Linux, unless the machine's ip_unprivileged_port_start is lower. */
const firstOrdinaryPort = 1024

/** For a process that binds these ports. */
export const lowPorts = (...ports: readonly number[]): Pick<PlanProcess, 'bindsLowPorts'> =>
  ports.some((port) => port < firstOrdinaryPort) ? { bindsLowPorts: true } : {}

export type PlanProcess = {
  /** Unique in its region: `haproxy`, `app-0`. */
  name: string
  engine: EngineName
  command: string[]
  /** May contain secrets, so it is passed as environment and never as arguments. */
  env: Record<string, string>
  /** `engine`: in the sandbox of the engine root, in the region's folder. `host`: like any process of the user. */
  run: 'engine' | 'host'
  /** For `engine` only: it binds a port below 1024, which takes root and a capability. */
  bindsLowPorts?: true
  /** For `host` only; absolute. */
  cwd?: string
  /** Processes of the same region that must be ready first. */
  after: string[]
  ready: Check
  /** The process is restarted when it is not ready in time; 0 means no limit. */
  readyTimeoutMs: number
  /** The engine's own checker for the files that the process starts with, run as in `run`; exit code 0 accepts them. */
  validate?: string[]
  /** Used when only the process's files have changed. Without it, the process is restarted. */
  reload?: Reload
  stop: { signal: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGUSR1'; timeoutMs: number }
}

export type RegionPlan = {
  region: string
  address: string
  /** Folders to create before the files, relative to the region's folder, all with mode 0700. */
  folders: string[]
  files: PlanFile[]
  processes: PlanProcess[]
}

/** One engine's part of a region's plan. */
export type EnginePart = Omit<RegionPlan, 'region' | 'address'>

export type Plan = {
  world: string
  /** By region name, in topology order. */
  regions: Record<string, RegionPlan>
}

import type { FaultKind } from './types.ts'

export type Parameter = {
  name: string
  /** As it is typed: `--delay 80ms`. Positional when it has no dashes. */
  typed: string
  says: string
}

/** `anywhere`: a world on this machine, a lab included. `lab`: it needs a network that can be changed. */
export type Needs = 'anywhere' | 'lab' | 'lab with --app-faults' | 'lab with --small-disk'

export type LibraryEntry = {
  does: string
  heals: string
  needs: Needs
  typed: string
  /** What one should know before believing what it shows. */
  note?: string
}

/** Every kind, in the order in which they are listed. */
export const library: Record<FaultKind, LibraryEntry> = {
  'kill-process': {
    typed: 'REGION PROCESS',
    does: 'SIGKILL for one process and what it has started (postmaster: PostgreSQL’s first process, without its Patroni)',
    heals: 'its agent starts it again; a killed agent is started again at the end',
    needs: 'anywhere',
  },
  'pause-process': {
    typed: 'REGION PROCESS',
    does: 'SIGSTOP: it keeps its connections and answers nobody; nobody starts it again, because it lives (postmaster, too: nobody can connect any more)',
    heals: 'SIGCONT',
    needs: 'anywhere',
  },
  'restart-process': {
    typed: 'REGION PROCESS',
    does: 'stops it in good order and starts it again',
    heals: 'over when it is ready again',
    needs: 'anywhere',
  },
  'kill-region': {
    typed: 'REGION',
    does: 'SIGKILL for everything in the region at once, its agent first: a power cut',
    heals: 'the region is started again',
    needs: 'anywhere',
    note: 'the machine lives, so its kernel still sends what the dead processes had given it; in a lab, cut the region off first to lose that, too',
  },
  'pause-region': {
    typed: 'REGION',
    does: 'SIGSTOP for everything in the region: frozen, and later not knowing that time has passed',
    heals: 'SIGCONT',
    needs: 'anywhere',
  },
  'restart-region': {
    typed: 'REGION',
    does: 'stops the region in good order and starts it again',
    heals: 'over when its agent is back',
    needs: 'anywhere',
  },
  cut: {
    typed: 'REGION [--from REGION[,REGION…]|users|all] [--direction both|out|in]',
    does: 'nothing passes between the region and the others (default: all other regions, both ways)',
    heals: 'the links are as they were',
    needs: 'lab',
    note: 'out: what the region says does not arrive. in: it hears nothing. users: those who come from the internet',
  },
  'slow-link': {
    typed: 'REGION REGION|users [--delay 80ms] [--jitter 10ms] [--rate 10mbit] [--direction both|out|in]',
    does: 'delay, jitter and a rate limit on top of what the link has',
    heals: 'the links are as they were',
    needs: 'lab',
  },
  'lossy-link': {
    typed: 'REGION REGION|users [--loss 5%] [--direction both|out|in]',
    does: 'a share of the packets is lost, drawn for each packet by itself',
    heals: 'the links are as they were',
    needs: 'lab',
  },
  'etcd-quorum': {
    typed: '[--members REGION,REGION]',
    does: 'stops a majority of etcd’s members where they stand (default: not the primary’s), so nothing can be decided',
    heals: 'SIGCONT',
    needs: 'anywhere',
    note: 'they are paused and not killed, because a killed member is started again by its agent in a moment',
  },
  'disk-full': {
    typed: 'REGION',
    does: 'fills the disk of the region’s database to the last byte, again and again',
    heals: 'the filler file is removed',
    needs: 'lab with --small-disk',
    note: 'the disk is a tmpfs: what it holds is gone after a reboot',
  },
  'replay-paused': {
    typed: 'REGION',
    does: 'the replica receives and keeps everything and shows none of it: reads there grow old, writes go on',
    heals: 'pg_wal_replay_resume()',
    needs: 'anywhere',
    note: 'Patroni resumes replay every few seconds; it is paused again within 100 ms. A promotion ends it',
  },
  'app-hang': {
    typed: 'REGION',
    does: 'SIGSTOP for every instance of the region’s app',
    heals: 'SIGCONT',
    needs: 'anywhere',
  },
  'app-500': {
    typed: 'REGION [--share 100%]',
    does: 'a share of the requests is answered 500 before the app sees them, health checks included',
    heals: 'the app is left alone again',
    needs: 'lab with --app-faults',
    note: 'Node only: a small module of Nearside is loaded into the app (NODE_OPTIONS)',
  },
  'app-leak': {
    typed: 'REGION [--mb-per-second 20]',
    does: 'every instance of the region’s app fills memory and keeps it',
    heals: 'the memory is let go, unless the app has died of it',
    needs: 'lab with --app-faults',
    note: 'Node only, as app-500. At most 1 GB an instance',
  },
  'app-clock': {
    typed: 'REGION --offset 30s|-30s',
    does: 'the app’s Date is off by this much',
    heals: 'its Date is right again',
    needs: 'lab with --app-faults',
    note: 'Node only, as app-500. The machine’s clock and the engines’ stay: Linux can give a process another monotonic clock and no other time of day',
  },
}

export const faultKinds = Object.keys(library) as FaultKind[]

/** What people ask for and is not here, with the reason. */
export const absent: Record<string, string> = {
  'slow-disk':
    'cgroups can limit a disk’s throughput (io.max) where the kernel offers it to us and the data lie on a real disk; it adds no delay to fsync, which is what a slow disk is about',
  'clock-skew':
    'a time namespace moves monotonic clocks and no time of day; etcd (a Go program without libc) would not hear of a preloaded library. app-clock moves what a Node app takes for the time',
}

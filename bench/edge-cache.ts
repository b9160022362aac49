import { takeWorldLock } from '../test/support/world/world-lock.ts'
import { compareFullCaches, fillFiles, mixRequests } from './edge/full-cache.ts'
import { withPlace } from './edge/place.ts'
import { compareSlowReaders, slowMegabytes, slowReaders } from './edge/slow-readers.ts'
import type { Benchmark } from './figure.ts'
import { installPeers } from './peers.ts'

const defaultRuns = 6

export const edgeCache: Benchmark = {
  name: 'edge-cache',
  title: 'The edge’s cache under pressure, compared with nginx',
  peers: 'peers',
  how: `The same edge and nginx as above, in front of two instances in plain Node. Full cache: both caches may hold 64 MB and are filled with
${fillFiles} files of 10 kB; then ${mixRequests} requests over 16 connections, one in ten for one of 40 files of 0.5 to 5 MB, most of the others for some hundred of the
small ones. nginx enforces the size of its cache only now and then. Slow readers: ${slowReaders} clients read a file of ${slowMegabytes} MB at 250 kB/s for ten seconds, then
as fast as they can; meanwhile others ask for small files and pages, 100 a second. The file is too large for our cache, so every reader gets it from the app; nginx has
stored it. Memory: of all the proxy's processes, each shared page divided among those that share it; nginx keeps its cache in files, whose pages are not
counted. The kernel's memory: socket buffers at both ends, so the readers' own as well. The ratio is the median over the rounds.`,
  async run({ runs = defaultRuns, seed }, say) {
    const root = await installPeers('peers')
    const machine = await takeWorldLock()
    try {
      return await withPlace(root, 'node', [], async (place) => [
        ...(await compareFullCaches(place, runs, seed, say)),
        ...(await compareSlowReaders(place, Math.ceil(runs / 2), say)),
      ])
    } finally {
      machine.end()
    }
  },
}

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { PlaceTree } from '../geo/place-tree.ts'

/** A build writes its progress into a file, so that others can tell one that takes long from one that hangs. */

const everyMs = 1000
/** Reading the clock for every node would take longer than the node. */
const nodesPerLook = 20_000

/** Rewrites the file once a second while `step` is called. */
export function progressWriter(file: string): { step: (percent: number) => void; end: () => void } {
  let writtenMs = -Infinity
  return {
    step(percent) {
      const now = performance.now()
      if (now - writtenMs < everyMs) return
      writtenMs = now
      try {
        // The time makes every write different: a build may stay at one percentage for long.
        writeFileSync(file, JSON.stringify({ percent: Math.floor(percent), at: Date.now() }))
      } catch {
        // A full disk fails the build itself when it writes the table.
      }
    },
    end: () => rmSync(file, { force: true }),
  }
}

/** What the file says; any change means that the build advances. Undefined when nothing is being built. */
export function readProgress(file: string): { text: string; percent: number } | undefined {
  try {
    const text = readFileSync(file, 'utf8')
    return { text, percent: (JSON.parse(text) as { percent: number }).percent }
  } catch {
    return undefined
  }
}

/** The same tree; reports how much of it has been read as a share from 0 to 1, which exceeds 1 for shared branches. */
export function watched(tree: PlaceTree, nodes: number, onShare: (share: number) => void): PlaceTree {
  let seen = 0
  return {
    ...tree,
    placeAt(record) {
      seen += 1
      if (seen % nodesPerLook === 0) onShare(seen / Math.max(1, nodes))
      return tree.placeAt(record)
    },
  }
}

import { topologyNames } from '../topology/find.ts'
import { generatedMark } from './editor.ts'

/**
 * Recognizes the files of Nearside in an app's folder. They say nothing about the app: a declaration file of the
 * topology mentions PORT and "/healthz" in its comments.
 */

/** First comment of a topology file. */
export const topologyHead = 'The topology of this world. Check it with: nearside check.'

const names = new Set([...topologyNames, 'nearside-env.d.ts', 'nearside.schema.json', 'topology.schema.json'])

/** By the last part of a path: `.nearside` holds worlds, `.nearside-1f2e.config.ts` is a topology being written. */
export const isOwnName = (name: string): boolean => names.has(name) || /^\.nearside(-|$)/.test(name)

/** By what `nearside init` writes first, whatever the file is called now. */
export const isOwnText = (text: string): boolean => {
  const head = text.slice(0, 2000)
  return head.includes(generatedMark) || head.includes(topologyHead)
}

/** Folders whose contents others have made: packages, and worlds. */
export const isForeignFolder = (name: string): boolean => name === 'node_modules' || isOwnName(name)

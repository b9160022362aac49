import { findLab, openWorldHere, type WorldOptions } from '../world/find.ts'
import { type Lab, labOf } from './lab.ts'

/** Opens the lab that the options name. This command continues in its router, which reaches its regions. */
export const openLab = async (options: WorldOptions): Promise<Lab> =>
  labOf(await openWorldHere(findLab(options, process.cwd())))

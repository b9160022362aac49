import { findLab, openWorldHere, type WorldOptions } from '../world/find.ts'
import { type Lab, labOf } from './lab.ts'

/** The lab that the options mean, where its regions can be asked: this command goes on in its router. */
export const openLab = async (options: WorldOptions): Promise<Lab> =>
  labOf(await openWorldHere(findLab(options, process.cwd())))

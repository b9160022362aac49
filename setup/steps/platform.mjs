import { existsSync } from 'node:fs'
import { SetupFailure } from '../failure.mjs'
import { findCommand } from '../run.mjs'

const NEEDED = `Nearside runs on 64-bit Linux (x86 or ARM) with apt: Debian 12 or newer, or Ubuntu 22.04 or newer.
On another system, use a virtual machine, a container or WSL 2 with one of these.`

/**
 * Fails on machines where the other steps cannot work. A machine without apt is fine if nothing has to be installed
 * from it.
 *
 * @param {{ platform: string, arch: string, engineRoot: string }} machine
 */
export function checkPlatform({ platform, arch, engineRoot }) {
  if (platform !== 'linux') throw new SetupFailure(`this machine runs ${platform}, not Linux`, NEEDED)
  if (arch !== 'x64' && arch !== 'arm64')
    throw new SetupFailure(`this machine's processor is ${arch}, not 64-bit x86 or ARM`, NEEDED)
  const complete = existsSync(engineRoot) && findCommand('bwrap')
  if (!complete && !findCommand('apt-get'))
    throw new SetupFailure(
      'this machine has no apt-get, which is needed to install mmdebstrap, bubblewrap and the engines',
      NEEDED,
    )
}

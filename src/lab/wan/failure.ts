import { join } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'

type Where = { namespace: string; device: string; folder: string }

/** The error for what a shaper said instead of `ready`: `failed STEP ERRNO-NAME` (see shaper/main.c). Pure. */
export function startFailure(report: string, where: Where): NearsideError {
  const [word, step = '', errno = ''] = report.split(' ')
  const log = join(where.folder, 'shaper.log')
  if (word !== 'failed')
    return new NearsideError(
      'wan_start',
      `the shaper ended before it was ready: ${report || 'it said nothing'}`,
      {
        remedy: `see ${log}`,
      },
    )
  const why = reasons[step]?.(where, errno)
  return new NearsideError(
    why?.code ?? 'wan_start',
    `${why?.message ?? `the shaper failed at: ${step}`} (${errno})`,
    {
      remedy: why?.remedy ?? `see ${log}`,
    },
  )
}

type Reason = { code: string; message: string; remedy?: string }

const noCapability = (what: string, capability: string): Reason => ({
  code: 'wan_forbidden',
  message: `${what} is forbidden here: the capability ${capability} is missing`,
  remedy: `run it where root has ${capability} (in a container: --cap-add ${capability.replace('CAP_', '')})`,
})

const isForbidden = (errno: string) => errno === 'EPERM' || errno === 'EACCES'

const reasons: Record<string, (where: Where, errno: string) => Reason> = {
  namespace: ({ namespace }, errno) =>
    isForbidden(errno)
      ? noCapability('entering a network namespace', 'CAP_SYS_ADMIN')
      : { code: 'wan_no_namespace', message: `${namespace}: there is no such network namespace` },
  open: (_, errno) =>
    isForbidden(errno)
      ? {
          code: 'wan_forbidden',
          message: '/dev/net/tun may not be opened here',
          remedy: 'allow the device (in a container: --device /dev/net/tun)',
        }
      : {
          code: 'wan_no_tun',
          message: '/dev/net/tun is missing: this kernel, or this container, has no TUN devices',
          remedy: 'modprobe tun (in a container: --device /dev/net/tun)',
        },
  attach: ({ device }, errno) => {
    if (isForbidden(errno)) return noCapability('making a TUN device', 'CAP_NET_ADMIN')
    if (errno === 'EBUSY')
      return {
        code: 'wan_device_busy',
        message: `${device}: another program uses this device`,
        remedy: 'nearside doctor finds what an earlier lab has left',
      }
    return { code: 'wan_device', message: `${device}: the TUN device cannot be made` }
  },
  up: ({ device }, errno) =>
    isForbidden(errno)
      ? noCapability('setting up a TUN device', 'CAP_NET_ADMIN')
      : { code: 'wan_device', message: `${device}: the TUN device cannot be brought up` },
  'drop-privileges': () => noCapability('giving up privileges', 'CAP_SETUID and CAP_SETGID'),
}

import { join } from 'node:path'
import { NearsideError } from '../../lib/errors.ts'

type Where = { namespace: string; device: string; folder: string }

/** The error for a shaper's report `failed STEP ERRNO-NAME` (see shaper/main.c). Pure. */
export function startFailure(report: string, where: Where): NearsideError {
  const [word, step = '', errno = ''] = report.split(' ')
  const log = join(where.folder, 'shaper.log')
  if (word !== 'failed')
    return new NearsideError('wan_start', `the shaper exited before it was ready: ${report || 'no report'}`, {
      remedy: `see ${log}`,
    })
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
  message: `${what} is not permitted here: the capability ${capability} is missing`,
  remedy: `run it where root has ${capability} (in a container: --cap-add ${capability.replace('CAP_', '')})`,
})

const isForbidden = (errno: string) => errno === 'EPERM' || errno === 'EACCES'

const reasons: Record<string, (where: Where, errno: string) => Reason> = {
  namespace: ({ namespace }, errno) =>
    isForbidden(errno)
      ? noCapability('entering a network namespace', 'CAP_SYS_ADMIN')
      : { code: 'wan_no_namespace', message: `${namespace}: no such network namespace` },
  open: (_, errno) =>
    isForbidden(errno)
      ? {
          code: 'wan_forbidden',
          message: 'no permission to open /dev/net/tun',
          remedy: 'allow access to the device (in a container: --device /dev/net/tun)',
        }
      : {
          code: 'wan_no_tun',
          message: '/dev/net/tun is missing: this kernel or container has no TUN devices',
          remedy: 'run `modprobe tun` (in a container: --device /dev/net/tun)',
        },
  attach: ({ device }, errno) => {
    if (isForbidden(errno)) return noCapability('creating a TUN device', 'CAP_NET_ADMIN')
    if (errno === 'EBUSY')
      return {
        code: 'wan_device_busy',
        message: `${device}: another program uses this device`,
        remedy: 'run `nearside doctor` to find the remains of an earlier lab',
      }
    return { code: 'wan_device', message: `${device}: could not create the TUN device` }
  },
  up: ({ device }, errno) =>
    isForbidden(errno)
      ? noCapability('setting up a TUN device', 'CAP_NET_ADMIN')
      : { code: 'wan_device', message: `${device}: could not bring up the TUN device` },
  'drop-privileges': () => noCapability('dropping privileges', 'CAP_SETUID and CAP_SETGID'),
}

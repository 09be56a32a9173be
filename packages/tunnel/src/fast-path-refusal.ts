import { release } from 'node:os'
import { X0tError } from '@x0t/core'

/**
 * Why the kernel does not run the program, in words for people; anything but an X0tError as it is.
 * @param kernel its release, as `uname -r` tells it
 */
export function refusal(error: unknown, kernel = release()): unknown {
  if (!(error instanceof X0tError)) return error
  if (error.code === 'BPF_NOT_PERMITTED')
    return new X0tError('FAST_PATH_FORBIDDEN', 'the kernel does not let this process load programs', {
      cause: error,
      hint: 'run as root with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; as a service: x0t node install --user root',
    })
  // What an old kernel says of the program is true, and helps nobody.
  if (isBefore(kernel, leastMajor, leastMinor))
    return refused(`it takes Linux ${leastMajor}.${leastMinor} or later, and this is ${kernel}`, error)
  return refusedBecause(error.message, error)
}

export function refusedBecause(reason: string, cause?: X0tError): X0tError {
  return refused(`the kernel cannot run the program: ${reason}`, cause)
}

/** That brought tcx. */
const [leastMajor, leastMinor] = [6, 6]

function refused(message: string, cause: X0tError | undefined): X0tError {
  return new X0tError('FAST_PATH_REFUSED', message, {
    ...(cause === undefined ? {} : { cause }),
    hint: cause?.hint ?? 'x0t bpf doctor tells what this kernel can do',
  })
}

function isBefore(kernel: string, major: number, minor: number): boolean {
  const [, foundMajor, foundMinor] = /^(\d+)\.(\d+)/.exec(kernel) ?? []
  if (foundMajor === undefined || foundMinor === undefined) return false
  return Number(foundMajor) === major ? Number(foundMinor) < minor : Number(foundMajor) < major
}

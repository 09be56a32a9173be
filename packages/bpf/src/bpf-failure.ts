import { X0tError } from '@x0t/core'
import { errno, errnoName } from './uapi.ts'

const hints: Readonly<Record<string, string>> = {
  BPF_NOT_PERMITTED: 'run as root, or give node CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON',
  BPF_UNSUPPORTED: 'x0t bpf doctor',
  BPF_BUSY: 'x0t bpf list',
  BPF_OBJECT_NOT_FOUND: 'x0t bpf list',
}

/** Code by what the kernel answers, where the command has no meaning of its own for it. */
export function codeOf(error: number): string {
  switch (error) {
    case errno.EPERM:
    case errno.EACCES:
      return 'BPF_NOT_PERMITTED'
    case errno.ENOENT:
      return 'BPF_OBJECT_NOT_FOUND'
    case errno.EBUSY:
    case errno.EEXIST:
      return 'BPF_BUSY'
    case errno.E2BIG:
    case errno.EOPNOTSUPP:
    case errno.ENOTSUPP:
      return 'BPF_UNSUPPORTED'
    default:
      return 'BPF_CALL_FAILED'
  }
}

/**
 * The error for a refused call.
 * @param what did not work: `map peers could not be created`
 * @param result negative error number
 */
export function failure(
  what: string,
  result: number,
  {
    code = codeOf(-result),
    hint = hints[code],
  }: { readonly code?: string; readonly hint?: string | undefined } = {},
): X0tError {
  return new X0tError(code, `${what}: ${errnoName(-result)}`, hint === undefined ? {} : { hint })
}

/** The result of a call, or its failure as an error. */
export function checked(result: number, what: string): number {
  if (result < 0) throw failure(what, result)
  return result
}

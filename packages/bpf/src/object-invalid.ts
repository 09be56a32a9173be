import { X0tError } from '@x0t/core'

/** BPF_OBJECT_INVALID. @param found what the object file does: `has a function without an end` */
export function invalid(found: string): X0tError {
  return new X0tError('BPF_OBJECT_INVALID', `the object file ${found}`)
}

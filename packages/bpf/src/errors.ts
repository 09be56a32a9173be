/** Error codes of `@x0t/bpf`: what each means and what to do. */
export const errorCodes = {
  BPF_VALUE_INVALID:
    'A value does not fit its type in the program; the message names the field, what was given and what fits.',
  BPF_TYPE_UNSUPPORTED: 'The BTF describes a type that has no values to read or write; the message names it.',
} as const

/** One of {@link errorCodes}. */
export type BpfErrorCode = keyof typeof errorCodes

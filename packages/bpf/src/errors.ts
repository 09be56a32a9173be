/** Error codes of `@x0t/bpf`: what each means and what to do. */
export const errorCodes = {
  BPF_VALUE_INVALID:
    'A value does not fit its type in the program; the message names the field, what was given and what fits.',
  BPF_TYPE_UNSUPPORTED: 'The BTF describes a type that has no values to read or write; the message names it.',
  BPF_PROGRAM_NOT_SHIPPED:
    'x0t ships no program of that name, or its object file is missing from this installation; the hint says which.',
} as const

/** One of {@link errorCodes}. */
export type BpfErrorCode = keyof typeof errorCodes

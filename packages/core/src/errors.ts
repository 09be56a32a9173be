/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  BASE32_INVALID: 'Text that should be lower-case base32 is not: copy it again, whole.',
  NODE_ID_INVALID: 'A node id has 52 characters a-z 2-7; x0t node peers lists them.',
} as const

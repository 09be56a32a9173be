/** Values of `--key`: the keys of an identity. Spelled out here so that `--help` need not load the library. */
export const keyNames = ['ed25519', 'mldsa65', 'x25519', 'mlkem768'] as const

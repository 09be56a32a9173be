import type { CryptoBackend } from './crypto-backend.ts'
import type { CryptoBenchCase } from './crypto-bench-cases.ts'

export type { CryptoBenchCase } from './crypto-bench-cases.ts'

/** The portable back end in TypeScript. Loaded only where asked for: a node runs on the native one. */
export async function loadNobleBackend(): Promise<CryptoBackend> {
  return (await import('./noble-backend.ts')).nobleBackend
}

/** The primitives of an identity in every back end, for `x0t bench crypto`. Keys and inputs are fixed. */
export async function cryptoBenchCases(): Promise<readonly CryptoBenchCase[]> {
  return await (await import('./crypto-bench-cases.ts')).makeCryptoBenchCases()
}

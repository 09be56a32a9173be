/** What this package uses of @orbitdb/core, which ships no types. */
declare module '@orbitdb/core' {
  export interface OrbitEntry {
    /** Hash of the encoded entry; absent while an entry of our own is being made. */
    readonly hash?: string
    /** Address of the log. */
    readonly id: string
    readonly payload: unknown
    readonly next: readonly string[]
    readonly refs: readonly string[]
    readonly clock: { readonly id: string; readonly time: number }
    readonly v: number
    readonly key: string
    readonly identity: string
    readonly sig: string
  }

  export interface OrbitStorage {
    put(key: string, value: unknown): Promise<void>
    get(key: string): Promise<Uint8Array | undefined>
    del(key: string): Promise<void>
    iterator(): AsyncIterable<[string, Uint8Array]>
    merge(other: OrbitStorage): Promise<void>
    clear(): Promise<void>
    close(): Promise<void>
  }

  export interface OrbitIdentity {
    readonly id: string
    readonly hash: string
    readonly bytes: Uint8Array
    readonly publicKey: string
    readonly signatures: { readonly id: string; readonly publicKey: string }
    readonly type: string
    readonly sign?: unknown
    readonly verify?: unknown
  }

  export interface OrbitIdentities {
    readonly keystore: unknown
    createIdentity(options: { id: string; provider: () => Promise<unknown> }): Promise<OrbitIdentity>
    getIdentity(hash: string): Promise<OrbitIdentity | undefined>
    sign(identity: OrbitIdentity, data: Uint8Array): Promise<string>
    verify(signature: string, publicKey: string, data: string | Uint8Array): Promise<boolean>
  }

  export interface OrbitLog {
    heads(): Promise<OrbitEntry[]>
    has(hash: string): Promise<boolean>
    append(payload: unknown, options: { referencesCount: number }): Promise<OrbitEntry & { hash: string }>
    /** True if the entry is new; throws whatever the access controller and the storage throw. */
    joinEntry(entry: OrbitEntry): Promise<boolean>
  }

  export interface OrbitDatabase {
    readonly address: string
    readonly log: OrbitLog
    close(): Promise<void>
  }

  export interface AccessController {
    readonly type: string
    readonly address: string
    canAppend(entry: OrbitEntry): Promise<boolean>
  }

  export interface OrbitDB {
    open(
      name: string,
      options: {
        type: 'events'
        sync: false
        AccessController: () => Promise<AccessController>
        entryStorage: OrbitStorage
        headsStorage: OrbitStorage
        indexStorage: OrbitStorage
        referencesCount: number
      },
    ): Promise<OrbitDatabase>
    stop(): Promise<void>
  }

  export function createOrbitDB(options: {
    ipfs: unknown
    identities: OrbitIdentities
    identity: OrbitIdentity
    directory: string
  }): Promise<OrbitDB>
  export function KeyStore(options: { storage: OrbitStorage }): Promise<unknown>
  export function Identities(options: {
    keystore: unknown
    storage: Pick<OrbitStorage, 'get' | 'put'>
  }): Promise<OrbitIdentities>
  export function useIdentityProvider(provider: {
    type: string
    verifyIdentity(identity: OrbitIdentity): Promise<boolean>
  }): void
  export function isIdentity(identity: unknown): identity is OrbitIdentity
  export const Entry: {
    decode(bytes: Uint8Array): Promise<OrbitEntry & { hash: string }>
    encode(entry: OrbitEntry): Promise<{ hash: string; bytes: Uint8Array }>
    verify(identities: Pick<OrbitIdentities, 'verify'>, entry: OrbitEntry): Promise<boolean>
  }
}

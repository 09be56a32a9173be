import {
  Identities,
  isIdentity,
  KeyStore,
  useIdentityProvider,
  type OrbitIdentities,
  type OrbitIdentity,
} from '@orbitdb/core'
import type { MemberKeys } from '@x0t/dao'
import { hybridVerify } from '@x0t/keys'
import type { CarrierFile } from './carrier-file.ts'
import type { Writer } from './ports.ts'

/** Type of our identities in OrbitDB. */
const identityType = 'x0t-member'
/** Context under which a member signs the key that OrbitDB made for it. */
const identityContext = 'x0t/dao/orbit/v1'
const maxTextCharacters = 8192

// OrbitDB looks identities up by their type in a table of the whole process, which knows no DAO and no members:
// nothing is believed there. `speaksFor` is what decides.
useIdentityProvider({ type: identityType, verifyIdentity: async () => false })

/**
 * OrbitDB signs its entries with secp256k1. That key is made anew for each home and says nothing by itself: its owner
 * signs it with both keys of the member, and only that is believed.
 */
export interface IdentityBook {
  readonly identities: OrbitIdentities
  /** The identity of the writer of this home; made when it is first asked for. */
  own(writer: Writer): Promise<OrbitIdentity>
  /** An identity that was received; undefined if the bytes are not what `hash` names. */
  read(hash: string, bytes: Uint8Array): Promise<OrbitIdentity | undefined>
  /** One that was kept. */
  get(hash: string): Promise<OrbitIdentity | undefined>
  keep(identity: OrbitIdentity): Promise<void>
  /** Whether one of these keys of member `identity.id` has signed it. */
  speaksFor(identity: OrbitIdentity, keys: readonly MemberKeys[]): Promise<boolean>
}

export async function openIdentityBook(file: CarrierFile): Promise<IdentityBook> {
  const kept = file.storage('identities')
  const own = file.storage('own-identity')
  /** Received and not yet believed. */
  const candidates = new Map<string, Uint8Array>()
  const keystore = await KeyStore({ storage: file.storage('keys') })
  const identities = await Identities({
    keystore,
    storage: {
      put: (hash, bytes) => kept.put(hash, bytes),
      get: async (hash) => candidates.get(hash) ?? kept.get(hash),
    },
  })
  const functions = {
    sign: (identity: OrbitIdentity, data: Uint8Array) => identities.sign(identity, data),
    verify: (signature: string, publicKey: string, data: string | Uint8Array) =>
      identities.verify(signature, publicKey, data),
  }
  return {
    identities,
    async own(writer) {
      const bytes = await own.get(writer.member)
      const found = bytes && (await identities.getIdentity(Buffer.from(bytes).toString()))
      // As it was made, with the functions that OrbitDB signs by.
      if (found !== undefined) return { ...found, ...functions }
      const made = await identities.createIdentity({
        id: writer.member,
        provider: async () => ({
          type: identityType,
          getId: async ({ id }: { id: string }) => id,
          signIdentity: async (text: string) =>
            Buffer.from(writer.sign(Buffer.from(text), identityContext)).toString('base64'),
        }),
      })
      await own.put(writer.member, Buffer.from(made.hash))
      return made
    },
    async read(hash, bytes) {
      candidates.set(hash, bytes)
      try {
        const identity = await identities.getIdentity(hash)
        // The hash is taken of what was decoded: other bytes for the same thing are not taken.
        return identity?.hash === hash && isPlain(identity) ? identity : undefined
      } catch {
        return undefined // no identity at all
      } finally {
        candidates.delete(hash)
      }
    },
    get: (hash) => identities.getIdentity(hash),
    keep: (identity) => kept.put(identity.hash, identity.bytes),
    async speaksFor(identity, keys) {
      const { id, publicKey, signatures } = identity
      if (!(await identities.verify(signatures.id, publicKey, id))) return false
      const text = Buffer.from(publicKey + signatures.id)
      const signature = Buffer.from(signatures.publicKey, 'base64')
      return keys.some((key) =>
        hybridVerify(
          { ed25519PublicRaw: key.ed25519, mldsa65PublicRaw: key.mldsa65 },
          text,
          identityContext,
          signature,
        ),
      )
    },
  }
}

function isPlain(identity: OrbitIdentity): boolean {
  const { id, publicKey, signatures, type } = identity
  return (
    isIdentity(identity) &&
    type === identityType &&
    Object.keys(signatures).length === 2 &&
    [id, publicKey, signatures.id, signatures.publicKey].every(
      (text) => typeof text === 'string' && text.length <= maxTextCharacters,
    )
  )
}

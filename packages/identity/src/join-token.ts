import { createHash, hkdfSync, timingSafeEqual, createPublicKey, type KeyObject } from 'node:crypto'
import { X0tError, base32Decode, base32Encode, messageOf, type Clock, type Random } from '@x0t/core'
import { privateKeyFromSeed, rawPublicKey } from '@x0t/keys'
import { z } from 'zod'
import type { Authority } from './authority.ts'
import { nodeName } from './node-name.ts'
import { decodeRecord, encodeRecord, recordBytes, recordTimeMs } from './record.ts'
import { parseSpiffeId } from './spiffe-id.ts'

/** What a join token says. Whoever has it may join once, until it ends. */
export interface JoinToken {
  /** 13 characters of base32; not secret. */
  readonly id: string
  readonly trustDomain: string
  /** SHA-256 of the authority's certificate: the joining node trusts nobody else. */
  readonly authorityHash: Uint8Array<ArrayBuffer>
  /** Where members answer, `host:port`, in the order to try them. */
  readonly addresses: readonly string[]
  readonly expiresAtMs: number
  /** Name that the new node shall have; it chooses one itself where undefined. */
  readonly name: string | undefined
  /** The key that the secret gives; it signs the request to join. The secret itself never leaves the node. */
  readonly key: { readonly privateKey: KeyObject; readonly publicRaw: Uint8Array<ArrayBuffer> }
}

/** What the authority keeps of a token: nothing with which one could join. */
export interface TokenRecord {
  readonly id: string
  /** SHA-256 of the public key of the token. */
  readonly verifier: Uint8Array<ArrayBuffer>
  readonly createdAtMs: number
  readonly expiresAtMs: number
  readonly name: string | undefined
}

export interface CreateJoinTokenOptions {
  readonly authority: Pick<Authority, 'trustDomain' | 'certificateHash'>
  /** 1 to {@link maxTokenAddresses}, `host:port`. */
  readonly addresses: readonly string[]
  readonly ttlMs: number
  /** Name that the new node shall have. */
  readonly name?: string
  readonly clock: Pick<Clock, 'wallMs'>
  readonly random: Random
}

export const maxTokenAddresses = 16
const prefix = 'x0t1'
const maxTextLength = 16_384
const idBytes = 8
const secretBytes = 32
const checksumBytes = 4

const payloadSchema = z.strictObject({
  a: z
    .array(z.string().regex(/^[\x21-\x7e]{3,300}$/))
    .min(1)
    .max(maxTokenAddresses),
  d: z.string().max(255),
  e: recordTimeMs,
  h: recordBytes({ length: 32 }),
  i: recordBytes({ length: idBytes }),
  n: nodeName.optional(),
  s: recordBytes({ length: secretBytes }),
})

/**
 * A new token: the text to hand over, and the record to put into the TokenStore.
 * @throws RangeError for no or too many addresses, one that is not printable, or a lifetime that is not positive
 */
export function createJoinToken(options: CreateJoinTokenOptions): {
  readonly text: string
  readonly record: TokenRecord
} {
  const { authority, addresses, ttlMs, name, clock, random } = options
  if (!(ttlMs > 0)) throw new RangeError(`a token lives longer than ${ttlMs} ms`)
  const createdAtMs = clock.wallMs()
  const payload = {
    a: [...addresses],
    d: authority.trustDomain,
    e: Math.round(createdAtMs + ttlMs),
    h: authority.certificateHash,
    i: random.bytes(idBytes),
    ...(name === undefined ? {} : { n: name }),
    s: random.bytes(secretBytes),
  }
  const checked = payloadSchema.safeParse(payload)
  if (!checked.success) throw new RangeError(`not a join token: ${checked.error.issues[0]?.message ?? ''}`)
  const bytes = encodeRecord(payload)
  const { id, key, expiresAtMs } = tokenOf(bytes, checked.data)
  return {
    text: prefix + base32Encode(Buffer.concat([bytes, checksumOf(bytes)])),
    record: { id, verifier: tokenVerifier(key.publicRaw), createdAtMs, expiresAtMs, name },
  }
}

/**
 * Reads the text of a token; white space and capitals do no harm. Its end is not judged: the authority does that.
 * @throws X0tError TOKEN_MALFORMED; TOKEN_TAMPERED if the checksum is wrong
 */
export function parseJoinToken(text: string): JoinToken {
  const packed = text
    .slice(0, 2 * maxTextLength)
    .replace(/\s+/g, '')
    .toLowerCase()
  if (!packed.startsWith(prefix) || packed.length > maxTextLength)
    throw malformed(`it does not begin with ${prefix}`)
  const bytes = base32OrMalformed(packed.slice(prefix.length))
  if (bytes.length <= checksumBytes) throw malformed('it is too short')
  const payload = bytes.subarray(0, -checksumBytes)
  if (!timingSafeEqual(checksumOf(payload), bytes.subarray(-checksumBytes)))
    throw new X0tError('TOKEN_TAMPERED', 'the join token was altered: its checksum is wrong', {
      hint: 'copy the token again, whole',
      exitCode: 2,
    })
  const fields = decodeRecord(payload, payloadSchema, { name: 'join token', code: 'TOKEN_MALFORMED' })
  try {
    parseSpiffeId(`spiffe://${fields.d}/node`)
  } catch (error) {
    throw malformed(messageOf(error))
  }
  return tokenOf(payload, fields)
}

/** SHA-256 of a token's public key: all that the authority stores of it. */
export function tokenVerifier(publicRaw: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(publicRaw).digest())
}

// Why a key pair and not an HMAC: to check an HMAC the authority would have to store what makes one, and whoever read
// its database could join. Of a signature key it stores the hash of the public half. The whole token goes into the
// derivation, so a token with another end, address or mesh has another key, which the authority does not know.
function tokenOf(payload: Uint8Array, fields: z.infer<typeof payloadSchema>): JoinToken {
  const info = Buffer.concat([
    Buffer.from('x0t-join-token-v1'),
    createHash('sha256').update(payload).digest(),
  ])
  const seed = new Uint8Array(hkdfSync('sha256', fields.s, fields.i, info, 32))
  const privateKey = privateKeyFromSeed('mldsa65', seed)
  seed.fill(0)
  return {
    id: base32Encode(fields.i),
    trustDomain: fields.d,
    authorityHash: fields.h,
    addresses: fields.a,
    expiresAtMs: fields.e,
    name: fields.n,
    key: { privateKey, publicRaw: rawPublicKey(createPublicKey(privateKey)) },
  }
}

function checksumOf(payload: Uint8Array): Buffer {
  return createHash('sha256').update(prefix).update(payload).digest().subarray(0, checksumBytes)
}

function base32OrMalformed(text: string): Uint8Array {
  try {
    return base32Decode(text)
  } catch (error) {
    throw malformed(messageOf(error))
  }
}

function malformed(why: string): X0tError {
  return new X0tError('TOKEN_MALFORMED', `this is not a join token: ${why}`, {
    hint: 'copy the token whole, from x0t1 to its last character',
    exitCode: 2,
  })
}

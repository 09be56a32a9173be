import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import fc from 'fast-check'
import t from 'tap'
import { base32Decode, base32Encode } from '@x0t/core'
import {
  EnrolRefusedError,
  buildEnrolRequest,
  buildRenewRequest,
  createAuthority,
  createBanList,
  createBanRecord,
  createJoinToken,
  handleEnrolRequest,
  maxEnrolResponseBytes,
  openIdentityStore,
  parseJoinToken,
  readEnrolRequest,
  readEnrolResponse,
  verifySvid,
  type AuthorityState,
  type EnrolRequest,
  type JoinToken,
} from '@x0t/identity'
import { decodeRecord, encodeRecord } from '../src/record.ts'
import { clockAt, hourMs, identityOf, nowMs, seededRandom } from './certificate-maker.ts'
import { z } from 'zod'

const random = seededRandom('enrolment')
const clock = clockAt(nowMs)
const alice = identityOf('alice')
const bob = identityOf('bob')
const home = createAuthority({ meshName: 'home', random, clock })
const addresses = ['192.0.2.1:7800', '[2001:db8::1]:7800']
const folder = mkdtempSync(`${tmpdir()}/x0t-identity-`)
const store = await openIdentityStore(folder)
t.teardown(async () => {
  await store[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

function state(changes: Partial<AuthorityState> = {}): AuthorityState {
  const { tokens, nodes, nonces } = store
  const bans = createBanList(home.bundle)
  return {
    authority: home,
    bundle: home.bundle,
    tokens,
    nodes,
    nonces,
    bans,
    svidTtlMs: hourMs,
    random,
    ...changes,
  }
}

function newToken(changes: Partial<Parameters<typeof createJoinToken>[0]> = {}): JoinToken {
  const { text, record } = createJoinToken({
    authority: home,
    addresses,
    ttlMs: hourMs,
    clock,
    random,
    ...changes,
  })
  store.tokens.add(record)
  return parseJoinToken(text)
}

function enrol(token: JoinToken, identity = alice): EnrolRequest {
  return buildEnrolRequest(identity, token, { name: 'kitchen', clock, random })
}

function renew(identity = alice, atMs = nowMs): EnrolRequest {
  return buildRenewRequest(identity, {
    trustDomain: 'home.x0t',
    name: 'kitchen',
    clock: clockAt(atMs),
    random,
  })
}

function read(request: EnrolRequest, response: Uint8Array, identity = alice, hash = home.certificateHash) {
  const { nodeId } = identity
  return readEnrolResponse(response, {
    requestHash: request.hash,
    nodeId,
    trustDomain: 'home.x0t',
    authorityHashes: [hash],
  })
}

t.test('the text of a token goes there and back, whatever white space and capitals it met', (t) => {
  const { text, record } = createJoinToken({
    authority: home,
    addresses,
    ttlMs: hourMs,
    name: 'attic',
    clock,
    random,
  })
  t.match(text, /^x0t1[a-z2-7]+$/)
  const messy = ` ${text.slice(0, 80).toUpperCase()}\n${text.slice(80)}\n`
  for (const form of [text, messy]) {
    const token = parseJoinToken(form)
    t.match(token, {
      id: record.id,
      trustDomain: 'home.x0t',
      addresses,
      expiresAtMs: nowMs + hourMs,
      name: 'attic',
    })
    t.same(token.authorityHash, home.certificateHash)
  }
  t.equal(
    parseJoinToken(createJoinToken({ authority: home, addresses, ttlMs: 1, clock, random }).text).name,
    undefined,
  )
  t.end()
})

t.test('what is no token is malformed, and a mistyped one is noticed', (t) => {
  const { text } = createJoinToken({ authority: home, addresses, ttlMs: hourMs, clock, random })
  for (const bad of [
    '',
    'x0t1',
    'x0t2aaaa',
    'x0t1aaaa',
    'x0t1aaaaaaaaaaa!',
    `${text}!`,
    `x0t1${'a'.repeat(20_000)}`,
  ])
    t.throws(() => parseJoinToken(bad), { code: 'TOKEN_MALFORMED', exitCode: 2 }, bad.slice(0, 30))
  const swapped = text.slice(0, 60) + (text[60] === 'a' ? 'b' : 'a') + text.slice(61)
  t.throws(() => parseJoinToken(swapped), { code: 'TOKEN_TAMPERED', hint: /copy/ })
  t.throws(() => parseJoinToken(text.slice(0, -8)), { code: /TOKEN_(TAMPERED|MALFORMED)/ })
  for (const options of [{ addresses: [] }, { addresses: ['a b:1'] }, { ttlMs: 0 }, { name: 'no name!' }])
    t.throws(() => newToken(options), RangeError)
  t.end()
})

t.test('any text is a token or refused with a code', (t) => {
  const body = fc.oneof(
    fc.string(),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => `x0t1${base32Encode(bytes)}`),
  )
  fc.assert(
    fc.property(body, (text) => {
      try {
        parseJoinToken(text)
        return false
      } catch (error) {
        return error instanceof Error && 'code' in error && String(error.code).startsWith('TOKEN_')
      }
    }),
    { seed: 43, numRuns: 500 },
  )
  t.end()
})

t.test('a node joins with a token, and the authority remembers it', (t) => {
  const token = newToken()
  const request = enrol(token)
  const outcome = handleEnrolRequest(state(), request.bytes, nowMs)
  t.match(outcome, { kind: 'enrolled', nodeId: alice.nodeId, code: undefined })
  const enrolment = read(request, outcome.response)
  t.equal(enrolment.svid.nodeId, alice.nodeId)
  t.equal(enrolment.authorityTimeMs, nowMs)
  t.equal(
    verifySvid(enrolment.chainDer, enrolment.bundle, { nowMs, isBanned: () => false }).nodeId,
    alice.nodeId,
  )
  t.match(store.nodes.find(alice.nodeId), {
    name: 'kitchen',
    tokenId: token.id,
    svid: { notAfterMs: nowMs + hourMs },
  })
  t.match(store.tokens.find(token.id), { usedBy: alice.nodeId, usedAtMs: nowMs })
  t.end()
})

t.test('neither the request nor the store holds what one could join with', (t) => {
  const { text, record } = createJoinToken({ authority: home, addresses, ttlMs: hourMs, clock, random })
  store.tokens.add(record)
  const token = parseJoinToken(text)
  const seed = token.key.privateKey.export({ format: 'raw-seed' })
  const request = Buffer.from(enrol(token).bytes)
  t.notOk(request.includes(seed))
  const stored = store.tokens.find(token.id)!
  t.equal(stored.verifier.length, 32)
  t.notSame(stored.verifier, seed)
  // The stored hash taken for the key of the token: refused.
  t.equal(refusal({ ...token, key: bob.mldsa65 }), 'TOKEN_TAMPERED')
  t.end()
})

/** Code of the refusal that the node reads from the signed answer. */
function refusal(token: JoinToken, identity = alice, at = nowMs, authorityState = state()): string {
  const request = enrol(token, identity)
  const { response, code } = handleEnrolRequest(authorityState, request.bytes, at)
  try {
    read(request, response, identity)
    return 'enrolled'
  } catch (error) {
    if (!(error instanceof EnrolRefusedError) || error.authorityTimeMs !== at) throw error
    t.equal(error.code, code)
    return error.code
  }
}

t.test('a token works once: for another node it is used, for the same one it is answered again', (t) => {
  const token = newToken()
  t.equal(refusal(token, alice), 'enrolled')
  t.equal(refusal(token, bob), 'TOKEN_USED')
  t.equal(refusal(token, alice), 'enrolled', 'the answer may have been lost on the way')
  t.equal(store.nodes.find(bob.nodeId), undefined)
  t.equal(refusal(token, alice, nowMs + hourMs + 1), 'TOKEN_EXPIRED', 'but not for ever')
  store.nodes.remove(alice.nodeId, nowMs)
  t.equal(refusal(token, alice), 'TOKEN_REVOKED', 'nor after the node was removed')
  t.end()
})

t.test('a token that ended, was revoked, is unknown, altered or of another mesh admits nobody', (t) => {
  t.equal(refusal(newToken(), bob, nowMs + hourMs), 'enrolled', 'its last millisecond')
  t.equal(refusal(newToken(), bob, nowMs + hourMs + 1), 'TOKEN_EXPIRED')
  const revoked = newToken()
  t.equal(store.tokens.revoke(revoked.id, nowMs), true)
  t.equal(store.tokens.revoke(revoked.id, nowMs), false)
  t.equal(refusal(revoked, bob), 'TOKEN_REVOKED')
  const unknown = parseJoinToken(
    createJoinToken({ authority: home, addresses, ttlMs: hourMs, clock, random }).text,
  )
  t.equal(refusal(unknown, bob), 'TOKEN_UNKNOWN')
  const other = createAuthority({ meshName: 'home', random, clock })
  t.equal(
    refusal(newToken({ authority: other }), bob),
    'TOKEN_FOREIGN_MESH',
    'the same name, another authority',
  )
  const away = createAuthority({ meshName: 'away', random, clock })
  t.equal(refusal(newToken({ authority: away }), bob), 'TOKEN_FOREIGN_MESH')
  t.equal(refusal({ ...newToken(), key: newToken().key }, bob), 'TOKEN_TAMPERED')
  t.end()
})

t.test('a later end written into a token makes it another token', (t) => {
  const { text, record } = createJoinToken({ authority: home, addresses, ttlMs: hourMs, clock, random })
  store.tokens.add(record)
  const expired = parseJoinToken(text)
  // Whoever holds a token can write one with a later end and a right checksum; the key that comes of it is another.
  const forged = createJoinToken({
    authority: home,
    addresses,
    ttlMs: 99 * hourMs,
    clock,
    random: replay(text),
  })
  const longer = parseJoinToken(forged.text)
  t.equal(longer.id, expired.id)
  t.equal(refusal(longer, bob, nowMs + 2 * hourMs), 'TOKEN_TAMPERED')
  t.end()
})

/** Random that gives the id and the secret of this token again. */
function replay(text: string) {
  const bytes = Buffer.from(base32Decode(text.slice(4)))
  const at = (marker: string) => bytes.indexOf(Buffer.from(marker, 'hex')) + marker.length / 2
  const chunks = [
    bytes.subarray(at('616948'), at('616948') + 8),
    bytes.subarray(at('61735820'), at('61735820') + 32),
  ]
  return { bytes: () => new Uint8Array(chunks.shift()!) }
}

t.test('a token lists by age and is forgotten after its end', (t) => {
  const ids = store.tokens.list().map(({ id }) => id)
  const late = newToken({ clock: clockAt(nowMs + 1000) })
  t.equal(store.tokens.list()[0]!.id, late.id)
  store.tokens.purge(nowMs + hourMs + 1)
  const left = store.tokens.list().map(({ id }) => id)
  t.ok(left.includes(late.id) && left.length < ids.length)
  t.equal(store.tokens.redeem(ids[0]!, bob.nodeId, nowMs), 'unknown')
  t.end()
})

t.test('a known node renews without a token, long after its SVID ended', (t) => {
  handleEnrolRequest(state(), enrol(newToken()).bytes, nowMs)
  const yearLater = nowMs + 365 * 24 * hourMs
  const request = renew(alice, yearLater)
  const outcome = handleEnrolRequest(state(), request.bytes, yearLater)
  t.equal(outcome.kind, 'renewed')
  t.equal(read(request, outcome.response).svid.notAfterMs, yearLater + hourMs)
  const renamed = buildRenewRequest(alice, { trustDomain: 'home.x0t', name: 'attic', clock, random })
  t.equal(handleEnrolRequest(state(), renamed.bytes, nowMs).kind, 'renewed')
  t.match(store.nodes.find(alice.nodeId), { name: 'attic', enrolledAtMs: nowMs }, 'a new name is noted')
  t.end()
})

t.test('unknown nodes, banned nodes and other meshes do not renew', (t) => {
  const carol = identityOf('carol')
  t.equal(handleEnrolRequest(state(), renew(carol).bytes, nowMs).code, 'NODE_UNKNOWN')
  const bans = createBanList(home.bundle)
  bans.merge(createBanRecord(home, { nodeId: alice.nodeId, serial: 1, reason: 'lost', clock }))
  t.equal(handleEnrolRequest(state({ bans }), renew().bytes, nowMs).code, 'NODE_BANNED')
  t.equal(
    refusal(newToken(), alice, nowMs, state({ bans })),
    'NODE_BANNED',
    'nor do they join with a new token',
  )
  bans.merge(createBanRecord(home, { nodeId: alice.nodeId, serial: 2, lifted: true, clock }))
  t.equal(handleEnrolRequest(state({ bans }), renew().bytes, nowMs).kind, 'renewed')
  const elsewhere = buildRenewRequest(alice, { trustDomain: 'away.x0t', name: 'x', clock, random })
  t.equal(handleEnrolRequest(state(), elsewhere.bytes, nowMs).code, 'NODE_UNKNOWN')
  t.equal(store.nodes.remove(alice.nodeId, nowMs), true)
  t.equal(store.nodes.remove(alice.nodeId, nowMs), false)
  t.equal(
    handleEnrolRequest(state(), renew().bytes, nowMs).code,
    'NODE_UNKNOWN',
    'removed: a token is needed',
  )
  t.end()
})

t.test('a renewal is answered once, and only around its time', (t) => {
  handleEnrolRequest(state(), enrol(newToken()).bytes, nowMs)
  const request = renew()
  t.equal(handleEnrolRequest(state(), request.bytes, nowMs).kind, 'renewed')
  t.equal(handleEnrolRequest(state(), request.bytes, nowMs + 1000).code, 'ENROLMENT_REPLAYED')
  t.equal(handleEnrolRequest(state(), request.bytes, nowMs + 300_001).code, 'ENROLMENT_CLOCK')
  t.equal(handleEnrolRequest(state(), renew(alice, nowMs + 300_001).bytes, nowMs).code, 'ENROLMENT_CLOCK')
  t.equal(handleEnrolRequest(state(), renew(alice, nowMs + 300_000).bytes, nowMs).kind, 'renewed')
  t.end()
})

t.test('a node whose clock is wrong learns the time from the refusal and renews at it', (t) => {
  const behind = renew(alice, nowMs - 40 * 24 * hourMs)
  const { response } = handleEnrolRequest(state(), behind.bytes, nowMs)
  const error = caught(() => read(behind, response))
  t.ok(
    error instanceof EnrolRefusedError && error.code === 'ENROLMENT_CLOCK' && error.authorityTimeMs === nowMs,
  )
  const corrected = renew(alice, (error as EnrolRefusedError).authorityTimeMs)
  t.equal(
    read(corrected, handleEnrolRequest(state(), corrected.bytes, nowMs).response).svid.nodeId,
    alice.nodeId,
  )
  t.end()
})

t.test('possession of both keys is proven', (t) => {
  const half = {
    ...alice,
    mldsa65: { ...bob.mldsa65, publicRaw: alice.mldsa65.publicRaw, publicKey: alice.mldsa65.publicKey },
  }
  t.equal(handleEnrolRequest(state(), renew(half).bytes, nowMs).code, 'ENROLMENT_PROOF')
  const other = { ...alice, ed25519: { ...bob.ed25519, publicRaw: alice.ed25519.publicRaw } }
  t.equal(handleEnrolRequest(state(), renew(other).bytes, nowMs).code, 'ENROLMENT_PROOF')
  t.end()
})

t.test('a member on the way can neither forge, swap nor replay an answer', (t) => {
  const request = enrol(newToken())
  const { response } = handleEnrolRequest(state(), request.bytes, nowMs)
  const envelope = decodeRecord(response, z.record(z.string(), z.instanceof(Uint8Array)), {
    name: 'response',
  })
  const rogue = createAuthority({ meshName: 'home', random, clock })
  const forged = handleEnrolRequest(state({ authority: rogue, bundle: rogue.bundle }), renew().bytes, nowMs)
  t.throws(() => read(request, forged.response), { code: 'ENROLMENT_FORGED' })
  const relabelled = encodeRecord({ ...envelope, authority: rogue.certificateDer })
  t.throws(() => read(request, relabelled), { code: 'ENROLMENT_FORGED' })
  const away = createAuthority({ meshName: 'away', random, clock })
  const awayAnswer = encodeRecord({ ...envelope, authority: away.certificateDer })
  t.throws(() => read(request, awayAnswer, alice, away.certificateHash), { code: 'ENROLMENT_FORGED' })
  const body = new Uint8Array(envelope['body']!)
  body[body.length - 1] = body[body.length - 1]! ^ 1
  t.throws(() => read(request, encodeRecord({ ...envelope, body })), { code: /ENROLMENT_(FORGED|MALFORMED)/ })
  t.throws(
    () => read(enrol(newToken()), response),
    { code: 'ENROLMENT_MISMATCH' },
    'an answer to another request',
  )
  t.throws(() => read(request, response, bob), { code: 'ENROLMENT_MISMATCH' }, 'an SVID of other keys')
  t.throws(() => read(request, Buffer.from('x')), { code: 'ENROLMENT_MALFORMED' })
  t.throws(() => read(request, new Uint8Array(maxEnrolResponseBytes + 1)), { code: 'ENROLMENT_MALFORMED' })
  t.end()
})

t.test('a request altered on the way is refused, and a token cannot be stripped off or put on', (t) => {
  const schema = z.record(z.string(), z.unknown())
  const enrolment = decodeRecord(enrol(newToken()).bytes, schema, { name: 'request' })
  const renewal = decodeRecord(renew().bytes, schema, { name: 'request' })
  const { token, ...stripped } = enrolment
  const refused = (value: object) => handleEnrolRequest(state(), encodeRecord(value), nowMs).code
  t.equal(refused(stripped), 'ENROLMENT_MALFORMED')
  t.equal(refused({ ...renewal, token }), 'ENROLMENT_MALFORMED')
  const foreign = decodeRecord(enrol(newToken(), bob).bytes, schema, { name: 'request' })
  t.equal(refused({ ...enrolment, token: foreign['token'] }), 'TOKEN_TAMPERED')
  t.equal(refused({ ...enrolment, body: foreign['body'] }), 'ENROLMENT_PROOF')
  t.end()
})

t.test('bans travel with the answer, the newest first, as many as fit', (t) => {
  handleEnrolRequest(state(), enrol(newToken()).bytes, nowMs)
  const bans = createBanList(home.bundle)
  for (let serial = 1; serial <= 20; serial++)
    bans.merge(
      createBanRecord(home, {
        nodeId: identityOf(`banned ${serial}`).nodeId,
        serial,
        reason: 'r'.repeat(256),
        clock,
      }),
    )
  const request = renew()
  const { response } = handleEnrolRequest(state({ bans }), request.bytes, nowMs)
  t.ok(response.length <= maxEnrolResponseBytes, `${response.length} bytes`)
  const { bans: got } = read(request, response)
  t.ok(got.length >= 8, `${got.length} bans`)
  t.equal(got[0]!.serial, 20)
  t.end()
})

t.test('whatever bytes arrive, the authority refuses and does not throw', (t) => {
  const valid = enrol(newToken()).bytes
  const mutated = fc.tuple(fc.nat({ max: 400 }), fc.nat({ max: 255 })).map(([at, value]) => {
    const bytes = new Uint8Array(valid)
    bytes[at] = value
    return bytes
  })
  const nested = fc.nat({ max: 15_000 }).map((depth) => Buffer.alloc(depth, 0x81))
  const authorityState = state()
  fc.assert(
    fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 400 }), nested), (bytes) => {
      if (Buffer.compare(bytes, valid) === 0) return true
      return handleEnrolRequest(authorityState, bytes, nowMs).kind === 'refused'
    }),
    { seed: 44, numRuns: 300 },
  )
  t.throws(() => readEnrolRequest(new Uint8Array(16_385)), { code: 'ENROLMENT_MALFORMED' })
  t.end()
})

t.test('a failure of the store is no refusal of the node', (t) => {
  const broken = { ...store.tokens, find: () => { throw new Error('disk full') } } // prettier-ignore
  t.throws(() => handleEnrolRequest(state({ tokens: broken }), enrol(newToken()).bytes, nowMs), {
    message: 'disk full',
  })
  t.end()
})

function caught(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return error
  }
}

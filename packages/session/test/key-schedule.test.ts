import { createHash, createHmac } from 'node:crypto'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { nodeIdFromBytes } from '@x0t/core'
import t from 'tap'
import { deriveKeys, exporterContext, exporterLabel } from '../src/index.ts'
import { createTestAuthority } from './support/authority.ts'
import { wirePair } from './support/wire-pair.ts'

const ends = {
  initiator: nodeIdFromBytes(new Uint8Array(32).fill(0x11)),
  responder: nodeIdFromBytes(new Uint8Array(32).fill(0x22)),
  initiatorSpi: 0x01020304,
  responderSpi: 0xa0b0c0d0,
}

t.test('the context of the exporter is both ids and both SPIs, initiator first', (t) => {
  const expected = `${'11'.repeat(32)}${'22'.repeat(32)}01020304a0b0c0d0`
  t.equal(exporterContext(ends).toString('hex'), expected)
  t.end()
})

t.test('72 bytes are key and salt to the responder, then key and salt to the initiator', (t) => {
  const material = (): Buffer => Buffer.from(Array.from({ length: 72 }, (_, index) => index))
  const asked: unknown[] = []
  const exporter = (length: number, label: string): Buffer => {
    asked.push([length, label])
    return material()
  }
  const initiator = deriveKeys('initiator', ends, exporter)
  const responder = deriveKeys('responder', ends, exporter)
  t.same(asked, [
    [72, 'EXPORTER-x0t-esp-v1'],
    [72, 'EXPORTER-x0t-esp-v1'],
  ])
  t.same(Buffer.from(initiator.sendKey), material().subarray(0, 32))
  t.same(Buffer.from(initiator.sendSalt), material().subarray(32, 36))
  t.same(Buffer.from(initiator.receiveKey), material().subarray(36, 68))
  t.same(Buffer.from(initiator.receiveSalt), material().subarray(68, 72))
  t.same(responder.sendKey, initiator.receiveKey)
  t.same(responder.sendSalt, initiator.receiveSalt)
  t.same(responder.receiveKey, initiator.sendKey)
  t.same(responder.receiveSalt, initiator.sendSalt)
  t.throws(() => deriveKeys('initiator', ends, () => Buffer.alloc(71)), RangeError)
  t.end()
})

t.test(
  'the export is that of RFC 8446 section 7.5, computed anew from the secret that TLS logs',
  async (t) => {
    const { tls } = createTestAuthority().issue()
    const { client, server } = tls.profile()
    const [left, right] = wirePair()
    const common = { minVersion: 'TLSv1.3', ecdhCurve: 'X25519MLKEM768', sigalgs: 'mldsa65' } as const
    const listener = createServer({ ...server, ...common, requestCert: true })
    const accepted = new Promise<TLSSocket>((resolve) => listener.once('secureConnection', resolve))
    listener.emit('connection', right)
    const socket = connect({ ...client, ...common, checkServerIdentity: () => undefined, socket: left })
    const secret = await new Promise<Buffer>((resolve) => {
      socket.on('keylog', (line) => {
        const match = /^EXPORTER_SECRET \S+ ([0-9a-f]+)/.exec(String(line))
        if (match !== null) resolve(Buffer.from(match[1]!, 'hex'))
      })
    })
    const peer = await accepted
    const hash = secret.length === 48 ? 'sha384' : 'sha256'
    const expected = exporter(hash, secret, exporterLabel, exporterContext(ends), 72)
    const keys = deriveKeys('initiator', ends, (...ask) => socket.exportKeyingMaterial(...ask))
    const mirrored = deriveKeys('responder', ends, (...ask) => peer.exportKeyingMaterial(...ask))
    t.same(Buffer.concat([keys.sendKey, keys.sendSalt, keys.receiveKey, keys.receiveSalt]), expected)
    t.same(mirrored.receiveKey, keys.sendKey)
    socket.destroy()
    peer.destroy()
  },
)

/** TLS-Exporter of RFC 8446 §7.5 on the expansions of §7.1 and RFC 5869. */
function exporter(hash: string, secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const digest = (bytes: Uint8Array): Buffer => createHash(hash).update(bytes).digest()
  const derived = expandLabel(hash, secret, label, digest(Buffer.alloc(0)), secret.length)
  return expandLabel(hash, derived, 'exporter', digest(context), length)
}

function expandLabel(hash: string, secret: Buffer, label: string, context: Buffer, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const details = Buffer.concat([
    Buffer.from([length >> 8, length & 0xff, name.length]),
    name,
    Buffer.from([context.length]),
    context,
  ])
  let block = Buffer.alloc(0)
  let output = Buffer.alloc(0)
  for (let counter = 1; output.length < length; counter++) {
    block = createHmac(hash, secret)
      .update(block)
      .update(details)
      .update(Buffer.from([counter]))
      .digest()
    output = Buffer.concat([output, block])
  }
  return output.subarray(0, length)
}

import { systemClock } from '@x0t/core'
import { enrolmentPeerOfSocket } from '@x0t/identity'
import t from 'tap'
import { parseAddress, requestEnrolment } from '../src/index.ts'
import { TestMesh, TestPlane } from './test-mesh.ts'

const mesh = new TestMesh()
const sha256 = mesh.authority.certificateHash
const request = Buffer.from('please')
const onEnrol = (bytes: Uint8Array, from: string): Promise<Uint8Array> =>
  Promise.resolve(Buffer.from(`${Buffer.from(bytes).toString()} from ${from}`))

t.test(
  'a node without a certificate gets the answer of a member, pinned by digest or by a check',
  async (t) => {
    await using a = await TestPlane.start(mesh.member(), { onEnrol })
    const byDigest = await requestEnrolment({ address: a.address, authority: { sha256 }, request })
    t.equal(Buffer.from(byDigest).toString(), 'please from 127.0.0.1')
    const { trustDomain } = mesh.authority
    const byCheck = await requestEnrolment({
      address: a.address,
      authority: {
        verify: (socket) =>
          enrolmentPeerOfSocket(
            socket,
            { trustDomain, authorityHash: sha256 },
            { nowMs: systemClock.wallMs() },
          ),
      },
      request: Buffer.from('again'),
    })
    t.equal(Buffer.from(byCheck).toString(), 'again from 127.0.0.1')
  },
)

t.test('a server of another authority gets no byte of the request', async (t) => {
  let isAsked = false
  await using a = await TestPlane.start(new TestMesh().member(), {
    onEnrol: (bytes) => {
      isAsked = true
      return Promise.resolve(bytes)
    },
  })
  await t.rejects(requestEnrolment({ address: a.address, authority: { sha256 }, request }), {
    code: 'ENROL_AUTHORITY_MISMATCH',
  })
  const { trustDomain } = mesh.authority
  const verify = (socket: Parameters<typeof enrolmentPeerOfSocket>[0]): unknown =>
    enrolmentPeerOfSocket(socket, { trustDomain, authorityHash: sha256 }, { nowMs: systemClock.wallMs() })
  await t.rejects(requestEnrolment({ address: a.address, authority: { verify }, request }), {
    code: 'SVID_WRONG_AUTHORITY',
  })
  t.notOk(isAsked)
})

t.test('requests are refused where nobody answers, the answer fails, or they come too often', async (t) => {
  await using dumb = await TestPlane.start(mesh.member())
  await t.rejects(requestEnrolment({ address: dumb.address, authority: { sha256 }, request }), {
    code: 'ENROL_REFUSED',
  })
  await using failing = await TestPlane.start(mesh.member(), {
    onEnrol: () => Promise.reject(new Error('no such token')),
    limits: { enrolmentsPerAddress: { burst: 1, perSecond: 0.001 } },
  })
  const ask = (): Promise<Uint8Array> =>
    requestEnrolment({ address: failing.address, authority: { sha256 }, request })
  await t.rejects(ask(), { code: 'ENROL_REFUSED' })
  await failing.event(
    'log',
    ({ event, fields }) => event === 'enrolment-failed' && fields.error === 'no such token',
  )
  await t.rejects(ask(), { code: 'ENROL_REFUSED' })
  await failing.refused('rate-limited')
})

t.test('an enrolment has bounds in size and time', async (t) => {
  const never = Promise.withResolvers<Uint8Array>()
  await using a = await TestPlane.start(mesh.member(), {
    onEnrol: () => never.promise,
    limits: { enrolTimeoutMs: 100 },
  })
  const address = a.address
  await t.rejects(requestEnrolment({ address, authority: { sha256 }, request: new Uint8Array(65_537) }), {
    code: 'ENROL_TOO_LARGE',
  })
  await t.rejects(requestEnrolment({ address, authority: { sha256 }, request }), { code: 'ENROL_REFUSED' })
  const signal = AbortSignal.abort(new Error('changed my mind'))
  await t.rejects(requestEnrolment({ address, authority: { sha256 }, request, signal }), {
    message: 'changed my mind',
  })
  const nobody = parseAddress('127.0.0.1:1')
  await t.rejects(requestEnrolment({ address: nobody, authority: { sha256 }, request }), {
    code: 'ENROL_UNREACHABLE',
  })
  never.resolve(new Uint8Array())
})

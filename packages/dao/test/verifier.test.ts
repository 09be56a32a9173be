import { createIdentity } from '@x0t/keys'
import t from 'tap'
import { createVerifier, signRecord } from '@x0t/dao'

const dao = 'bafyreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy' as never
const identity = createIdentity(new Uint8Array(32).fill(7))
const keys = { ed25519: identity.ed25519.publicRaw, mldsa65: identity.mldsa65.publicRaw }
const head = {
  dao,
  author: identity.nodeId,
  lane: `vote:${dao as string}` as const,
  seq: 0,
  prev: null,
  atMs: 0,
}
const good = signRecord(identity, head, 'vote', { proposal: dao, ballot: { kind: 'single', choice: 1 } })
const bad = { ...good, signature: new Uint8Array(good.signature.length) }

/** 300 tasks, every seventh with a bad signature. */
const tasks = Array.from({ length: 300 }, (_, index) => ({ signed: index % 7 === 0 ? bad : good, keys }))
const expected = tasks.map((_, index) => index % 7 !== 0)

for (const threads of [0, 1, 2]) {
  t.test(`${threads} threads find the same signatures good, in the order of the tasks`, async (t) => {
    await using verifier = createVerifier({ threads })
    t.same(await verifier.verify(tasks), expected)
    t.same(await verifier.verify(tasks.slice(0, 3)), [false, true, true])
    t.same(await verifier.verify([]), [])
  })
}

t.test('a batch that is no longer wanted ends', async (t) => {
  for (const threads of [0, 1]) {
    await using verifier = createVerifier({ threads })
    await t.rejects(verifier.verify(tasks, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  }
})

t.test('a verifier that was disposed says so', async (t) => {
  const verifier = createVerifier({ threads: 1 })
  await verifier.verify(tasks)
  await verifier[Symbol.asyncDispose]()
  await verifier[Symbol.asyncDispose]()
  await t.rejects(verifier.verify(tasks), TypeError)
})

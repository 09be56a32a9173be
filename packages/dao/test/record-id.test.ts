import t from 'tap'
import { isRecordId, parseRecordId, recordIdOf } from '@x0t/dao'
import { digestOfRecordId } from '../src/record-id.ts'

t.test('the id of the empty map is the CID that IPLD gives it', (t) => {
  // dag-cbor {} is the byte a0; its CID is a well-known constant of the IPLD fixtures.
  t.equal(recordIdOf(Uint8Array.of(0xa0)), 'bafyreigbtj4x7ip5legnfznufuopl4sg4knzc2cof6duas4b3q2fy6swua')
  t.end()
})

t.test('an id is told from what only looks like one', (t) => {
  const id = recordIdOf(Uint8Array.of(1))
  t.ok(isRecordId(id))
  t.equal(parseRecordId(id), id)
  // SHA-256 of the byte 01.
  const sha256 = '4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a'
  t.equal(Buffer.from(digestOfRecordId(id)).toString('hex'), sha256)
  for (const text of [id.toUpperCase(), id.slice(1), `${id}a`, `${id.slice(0, -1)}b`, '', 'bafkreia', 7])
    t.notOk(isRecordId(text))
  t.throws(() => parseRecordId('bafy'), { code: 'DAO_RECORD_ID_INVALID' })
  t.end()
})

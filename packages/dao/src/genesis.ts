import { X0tError } from '@x0t/core'
import { ascend } from './field-schemas.ts'
import { isOwnId } from './registry.ts'
import type { Verify } from './member-lane.ts'
import type { RecordBodies, RecordOf, SignedRecord } from './record.ts'

/** A genesis record that holds: the root that everything of a DAO is checked against. */
export type SignedGenesis = SignedRecord & { readonly record: RecordOf<'genesis'> }

/** @throws X0tError DAO_GENESIS_INVALID unless the record founds a DAO and is signed by one of its founding members */
export function checkGenesis(signed: SignedRecord, verify: Verify): asserts signed is SignedGenesis {
  const { record } = signed
  if (record.kind !== 'genesis') throw invalid(`it is a ${record.kind} record`)
  checkGenesisBody(record.body)
  const founder = record.body.members.find(({ id }) => id === record.author)
  if (founder === undefined) throw invalid('its author is not among the members')
  if (!verify(signed, founder.keys)) throw invalid('its signature does not hold')
}

/** @throws X0tError DAO_GENESIS_INVALID where founding members or constitution contradict each other */
export function checkGenesisBody({ constitution, members }: RecordBodies['genesis']): void {
  const ids = members.map(({ id }) => id)
  if (!ascend(ids)) throw invalid('its members do not ascend by id, each once')
  const known = new Set<string>(ids)
  const stranger = members.find((member) => !isOwnId(member))
  if (stranger !== undefined) throw invalid(`the id of ${stranger.name} is not that of its keys`)
  const halves = members.flatMap(({ keys }) => [
    Buffer.from(keys.ed25519).toString('base64'),
    Buffer.from(keys.mldsa65).toString('base64'),
  ])
  if (new Set(halves).size < halves.length) throw invalid('two members share a key')
  const { registrars, registrarsNeeded, witnesses, guardians } = constitution
  for (const [role, list] of Object.entries({ registrars, guardians, witnesses })) {
    if (list === 'members') continue
    const foreign = list.find((id) => !known.has(id))
    if (foreign !== undefined) throw invalid(`${foreign} is among the ${role}, but no founding member`)
  }
  if (registrarsNeeded > registrars.length)
    throw invalid(`${registrarsNeeded} registrars are needed, but there are ${registrars.length}`)
}

function invalid(why: string): X0tError {
  return new X0tError('DAO_GENESIS_INVALID', `this founds no DAO: ${why}`)
}

import { X0tError } from '@x0t/core'
import type { DaoState, MemberId, ProposalView } from '@x0t/dao'

/** Shortest beginning of an id that is looked up. */
const shortest = 4

/** Every record's id begins with this: it tells version, codec and hash, not the record. */
const commonPrefix = 'bafyrei'

/**
 * The proposal that a beginning of its id names; `bafyrei`, which all have in common, may be left out.
 * @throws X0tError DAO_PROPOSAL_UNKNOWN, DAO_PREFIX_AMBIGUOUS
 */
export function findProposal(state: DaoState, word: string): ProposalView {
  const wanted = word.toLowerCase()
  const fitting = [...state.proposals.values()].filter(
    ({ id }) => id === wanted || (long(wanted) && bare(id).startsWith(bare(wanted))),
  )
  if (fitting.length === 1) return fitting[0]!
  if (fitting.length === 0)
    throw new X0tError('DAO_PROPOSAL_UNKNOWN', `no proposal here begins with ${JSON.stringify(word)}`, {
      hint: 'x0t dao list; or import the bundle that holds it',
      exitCode: 2,
    })
  throw ambiguous(word, fitting.map(({ id }) => shortId(id)).join(', '))
}

/** The member that an id, a beginning of one, or a name means. @throws X0tError DAO_MEMBER_UNKNOWN, DAO_PREFIX_AMBIGUOUS */
export function findMember(state: DaoState, word: string): MemberId {
  const members = [...state.members.values()]
  const exact = members.filter(({ id, name }) => id === word || name === word)
  const fitting =
    exact.length > 0 ? exact : members.filter(({ id }) => long(word) && id.startsWith(word.toLowerCase()))
  if (fitting.length === 1) return fitting[0]!.id
  if (fitting.length === 0)
    throw new X0tError('DAO_MEMBER_UNKNOWN', `no member has the name or id ${JSON.stringify(word)}`, {
      hint: 'x0t dao member list',
      exitCode: 2,
    })
  throw ambiguous(word, fitting.map(({ id, name }) => `${name} ${id.slice(0, 10)}`).join(', '))
}

/** The beginning of a record's id that people see and type. */
export function shortId(id: string): string {
  return bare(id).slice(0, 12)
}

function bare(id: string): string {
  return id.startsWith(commonPrefix) ? id.slice(commonPrefix.length) : id
}

function long(word: string): boolean {
  return bare(word).length >= shortest
}

function ambiguous(word: string, fitting: string): X0tError {
  return new X0tError('DAO_PREFIX_AMBIGUOUS', `${JSON.stringify(word)} fits several: ${fitting}`, {
    hint: 'type more of it',
    exitCode: 2,
  })
}

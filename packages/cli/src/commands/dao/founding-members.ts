import { existsSync } from 'node:fs'
import { X0tError } from '@x0t/core'
import type { Amount, MemberEntry } from '@x0t/dao'
import type { PublicIdentity } from '@x0t/keys'
import { parseOption } from '../node/parse-option.ts'
import { parseTokens } from './token-amount.ts'

/** A member's card: the public identity file, checked. */
export async function readCard(file: string): Promise<PublicIdentity> {
  const { parsePublicIdentity, readPublicFile } = await import('@x0t/keys')
  return parsePublicIdentity((await readPublicFile(file)).toString('utf8'))
}

/** The registry's entry for a card. */
export function entryOf(
  { nodeId, name, keys }: PublicIdentity,
  balance: Amount,
  called?: string,
): MemberEntry {
  const { ed25519, mldsa65 } = keys
  return { id: nodeId, name: called ?? name, keys: { ed25519, mldsa65 }, balance }
}

/** Members of `--member FILE` and `--member FILE=BALANCE`. */
export async function foundingMembers(
  words: readonly string[],
  { balance, tokenDecimals }: { readonly balance: Amount; readonly tokenDecimals: number },
): Promise<readonly MemberEntry[]> {
  const members: MemberEntry[] = []
  for (const word of words) {
    const at = existsSync(word) ? -1 : word.lastIndexOf('=')
    const tokens = at < 0 ? undefined : word.slice(at + 1)
    const identity = await readCard(at < 0 ? word : word.slice(0, at))
    const own =
      tokens === undefined
        ? balance
        : parseOption('--member', tokens, (text) => parseTokens(text, tokenDecimals))
    if (members.some(({ id }) => id === identity.nodeId))
      throw new X0tError('USAGE', `--member names ${identity.name} twice`, { exitCode: 2 })
    members.push(entryOf(identity, own))
  }
  return members
}

/**
 * Every node that the mesh of this home has admitted. Only its first node, which holds the authority, knows them all.
 * @throws X0tError DAO_MESH_UNKNOWN
 */
export async function membersFromMesh(home: string, balance: Amount): Promise<readonly MemberEntry[]> {
  const { homeAt } = await import('@x0t/node/home')
  const { identityDirectory } = homeAt(home)
  const { openIdentityStore } = await import('@x0t/identity')
  const { nodeIdOfKeys } = await import('@x0t/keys')
  const known = existsSync(identityDirectory) ? await openIdentityStore(identityDirectory) : undefined
  await using store = known
  const nodes = store?.nodes.list() ?? []
  if (nodes.length === 0)
    throw new X0tError('DAO_MESH_UNKNOWN', `${home} holds no list of the nodes of a mesh`, {
      hint: 'run it on the first node, which admitted the others, or name them with --member FILE',
    })
  return nodes.flatMap(({ name, publicKeys }): MemberEntry[] => {
    const { ed25519PublicRaw: ed25519, mldsa65PublicRaw: mldsa65 } = publicKeys
    // A member's id is that of its keys; a node that changed its keys in the mesh comes in with the new ones.
    return [{ id: nodeIdOfKeys(ed25519, mldsa65), name, keys: { ed25519, mldsa65 }, balance }]
  })
}

import { systemClock, systemRandom, type Clock, type Log, type Random } from '@x0t/core'
import { createAuthority, defaultSvidTtlMs, issueSvid, svidSubjectOf } from '@x0t/identity'
import { homeAt } from './home.ts'
import { writingHome } from './home-failure.ts'
import { describeNode, openIdentity, type NodeIdentity } from './node-identity.ts'

export interface InitOptions {
  /** Directory of the node's state; made if missing. */
  readonly home: string
  /** Name of the mesh: the trust domain will be `<meshName>.x0t`. */
  readonly meshName: string
  /** Name of the node, a label for people. */
  readonly name: string
  readonly log: Log
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Makes the first node of a mesh: keys, certificate authority, its own SVID. A home that holds a member already is
 * left as it is; one in which a start was interrupted is completed.
 * @throws X0tError MESH_NAME_INVALID, HOME_UNWRITABLE, and what the key files and the store throw
 */
export async function initNode(options: InitOptions): Promise<NodeIdentity & { readonly created: boolean }> {
  return await writingHome(homeAt(options.home), () => makeFirstNode(options))
}

async function makeFirstNode(options: InitOptions): Promise<NodeIdentity & { readonly created: boolean }> {
  const { meshName, name, log, clock = systemClock, random = systemRandom } = options
  const home = homeAt(options.home)
  const { identity, store } = await openIdentity(home, { name, random, clock })
  await using owned = store
  const membership = owned.readMembership()
  if (membership !== undefined)
    return { ...describeNode(identity.nodeId, membership.bundle.trustDomain), created: false }

  let authority = await owned.readAuthority()
  if (authority === undefined) {
    authority = createAuthority({ meshName, random, clock })
    await owned.writeAuthority(authority)
  }
  const subject = svidSubjectOf(identity)
  const { nodeId } = identity
  owned.nodes.add({
    nodeId,
    name,
    publicKeys: subject.publicKeys,
    enrolledAtMs: clock.wallMs(),
    tokenId: undefined,
  })
  const svid = issueSvid(authority, { ...subject, ttlMs: defaultSvidTtlMs, clock, random })
  // The membership is written last: until then the next start begins where this one ended.
  owned.writeMembership({ chainDer: svid.chainDer, bundle: authority.bundle })
  log.info('mesh-made', { trustDomain: authority.trustDomain, nodeId })
  return { ...describeNode(nodeId, authority.trustDomain), created: true }
}

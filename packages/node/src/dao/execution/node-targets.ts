import type { NodeId } from '@x0t/core'
import type { BanList } from '@x0t/identity'
import { valueOfPolicy } from '@x0t/mape-k'
import type { Sessions } from '@x0t/session'
import type { AuthorityDesk } from '../../authority-desk.ts'
import type { Healing } from '../../healing/healing.ts'
import type { Home } from '../../home.ts'
import type { Membership } from '../../membership.ts'
import type { MeshDriver } from '../../mesh-driver.ts'
import type { NeighbourLinks } from '../../neighbour-links.ts'
import type { BansTarget, ExecutionTargets, KeysTarget, PolicyTarget, SettingsTarget } from './ports.ts'

export interface NodeParts {
  readonly self: NodeId
  readonly home: Home
  readonly healing: Healing | undefined
  readonly settings: SettingsTarget
  readonly bans: BanList
  readonly desk: AuthorityDesk | undefined
  readonly members: Membership
  readonly mesh: MeshDriver
  readonly links: NeighbourLinks
  readonly sessions: Sessions
}

/** The parts of a running node as decisions change them. */
export function nodeTargets(parts: NodeParts): ExecutionTargets {
  const { home, healing, settings } = parts
  return {
    policy: healing === undefined ? undefined : policyTarget(healing),
    settings,
    bans: bansTarget(parts),
    keys: keysTarget(parts),
    artifactsDirectory: home.artifactsDirectory,
    decisionsFile: home.decisionsFile,
  }
}

function policyTarget(healing: Healing): PolicyTarget {
  return {
    decide: (decisions) =>
      healing.decide(
        decisions.map(({ key, value, proposal }) => ({
          key,
          // Numbers and plans are all that the policy has; a text would be refused there.
          value: value as number | readonly string[],
          proposal,
        })),
      ),
    valueOf(key) {
      const chosen = valueOfPolicy(healing.policy, key)
      if (chosen === undefined) throw new RangeError(`the policy has no ${key}`)
      return chosen
    },
  }
}

function bansTarget({ self, bans, desk, members, mesh }: NodeParts): BansTarget {
  return {
    isBanned: (node) => bans.isBanned(node),
    authority: desk && {
      self,
      ban: (node, reason) => members.addBan(desk.ban(node, reason).record),
      unban: (node) => members.addBan(desk.unban(node).record),
    },
    authorities: () =>
      mesh.map().nodes.flatMap(({ id, features }) => (features.includes('authority') ? [id] : [])),
  }
}

function keysTarget({ links, sessions }: NodeParts): KeysTarget {
  return {
    inUse: () => [
      ...sessions
        .list()
        .flatMap(({ sa, state }) =>
          state === 'sending'
            ? [{ peer: sa.peer, kind: 'session' as const, generation: String(sa.localSpi) }]
            : [],
        ),
      ...links
        .list()
        .flatMap(({ nodeId, isUp, provenKeys }) =>
          isUp && provenKeys !== undefined
            ? [{ peer: nodeId, kind: 'link' as const, generation: provenKeys }]
            : [],
        ),
    ],
    isMaking: () => links.list().some(({ isUp, provenKeys }) => isUp && provenKeys === undefined),
    renew({ peer, kind }) {
      if (kind === 'link') return links.renew(peer)
      sessions.renew(peer)
      return true
    },
  }
}

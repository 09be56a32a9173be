import { X0tError } from '@x0t/core'
import { openClient } from '@x0t/local-api'
import type { ProbedHost } from '../soak-probe.ts'

/** What of a node's answers tells whether its kernel watches. */
export interface WatchFacts {
  readonly status: {
    readonly fastPath?:
      | { readonly path: 'kernel' }
      | { readonly path: 'userspace'; readonly code: string | null; readonly reason: string }
      | undefined
  }
  readonly peers: readonly {
    readonly kernel?: { readonly state: string; readonly isWatched: boolean } | null | undefined
  }[]
}

/** @throws X0tError BENCH_LIVENESS_UNAVAILABLE if the node of a host does not forward in the kernel */
export function requireKernelPath(host: string, { status: { fastPath } }: Pick<WatchFacts, 'status'>): void {
  if (fastPath?.path === 'kernel') return
  const why = fastPath === undefined ? 'its node does not know of a fast path' : fastPath.reason
  throw new X0tError('BENCH_LIVENESS_UNAVAILABLE', `${host} forwards in userspace: ${why}`, {
    hint: '--liveness userspace, or x0t bpf doctor',
  })
}

/** Whether the kernel has heard all neighbours and judges them: only then does a fault meet it. */
export function kernelWatchesAll({ peers }: Pick<WatchFacts, 'peers'>): boolean {
  return peers.every(({ kernel }) => kernel?.state === 'up' && kernel.isWatched)
}

/** {@link requireKernelPath} for all nodes. */
export async function requireKernelPaths(hosts: readonly ProbedHost[]): Promise<void> {
  for (const { name, socketPath } of hosts) {
    const client = openClient({ socketPath, timeoutMs: 5000 })
    requireKernelPath(name, { status: await client.status() })
  }
}

/** {@link kernelWatchesAll} for all nodes. */
export async function kernelsWatchAll(hosts: readonly ProbedHost[]): Promise<boolean> {
  const answers = await Promise.all(
    hosts.map(async ({ socketPath }) => openClient({ socketPath, timeoutMs: 5000 }).peers()),
  )
  return answers.every(kernelWatchesAll)
}

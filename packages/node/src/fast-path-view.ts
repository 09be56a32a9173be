import { labelOfNodeId, type NodeId } from '@x0t/core'
import type { Peer, Status } from '@x0t/local-api'
import type { DataPlane, DataPlaneOptions } from '@x0t/tunnel'
import type { NodeConfig } from './config/index.ts'

/** What the settings ask of the data plane. */
export function fastPathOf({ fastPath, probe }: NodeConfig): Pick<DataPlaneOptions, 'fastPath'> {
  if (fastPath.mode === 'off') return {}
  const labelOf = (id: string): Uint8Array => labelOfNodeId(id as NodeId)
  return { fastPath: { mode: fastPath.mode, interval: probe.kernelIntervalMs, labelOf } }
}

/** Which path is in use, as the API tells it. */
export function fastPathView(
  dataPlane: Pick<DataPlane, 'fastPath'>,
  { fastPath: { mode } }: Pick<NodeConfig, 'fastPath'>,
): NonNullable<Status['fastPath']> {
  const status = dataPlane.fastPath()
  if (status.path === 'kernel')
    return {
      path: 'kernel',
      takenOver: status.takenOver,
      interfaces: status.interfaces.map(({ name, mode: attached, problem }) => ({
        name,
        mode: attached ?? null,
        problem: problem === undefined ? null : { code: problem.code, reason: problem.message },
      })),
    }
  const { problem } = status
  if (problem === undefined)
    return { path: 'userspace', code: null, reason: `fast_path.mode is ${mode}`, hint: null }
  const { code, message, hint } = problem
  return { path: 'userspace', code, reason: message, hint: hint ?? null }
}

/** What the kernel knows of the link to a neighbour; null where it does not carry it. */
export function kernelLinkView(dataPlane: Pick<DataPlane, 'kernelLink'>, id: NodeId): Peer['kernel'] {
  const link = dataPlane.kernelLink(id)
  if (link === undefined) return null
  const { state, isWatched, rttMs, intervalMs, deadlineMs, downs, stalls } = link
  return { state, isWatched, rttMs: rttMs ?? null, intervalMs, deadlineMs, downs, stalls }
}

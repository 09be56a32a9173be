import { rename } from 'node:fs/promises'
import { X0tError } from '@x0t/core'
import { placeOfLink } from './attach-target.ts'
import { findPinned, pinPath } from './pin-tree.ts'
import type { PinnedLink, PinnedProgram } from './attach-pinned.ts'
import type { BpfBackend } from './contract.ts'

/** Says whether all is well with the new program; called again until it is, or time is up. */
export type HealthCheck = (signal: AbortSignal) => Promise<boolean>

export interface ReplaceRequest {
  readonly root: string
  /** The attachment to take over: `flow/flow_ingress@eth0-ingress`. */
  readonly link: string
  readonly next: PinnedProgram
  /** Undefined: the replacement counts as healthy. */
  readonly check?: HealthCheck
  readonly timeoutMs: number
  /** Between two checks. */
  readonly everyMs: number
  readonly signal: AbortSignal
  readonly monotonicMs: () => number
  readonly wait: (delayMs: number) => Promise<void>
}

export interface ReplaceResult extends PinnedLink {
  readonly outcome: 'replaced' | 'rolled-back'
  readonly previousProgramId: number
  readonly programId: number
  readonly checks: number
}

/**
 * Swaps the program of an attachment for another in one step (BPF_LINK_UPDATE), and back if the check does not come out
 * well within `timeoutMs`. No packet goes by without one of the two. The pin of the link moves to the new object.
 * @throws X0tError BPF_NOT_ATTACHED, and what the back end throws
 */
export async function replaceLink(backend: BpfBackend, request: ReplaceRequest): Promise<ReplaceResult> {
  const { root, next } = request
  const slash = request.link.indexOf('/')
  const owner = await findPinned(root, slash < 0 ? request.link : request.link.slice(0, slash))
  const name = slash < 0 ? undefined : request.link.slice(slash + 1)
  const fits = owner.links.filter(
    (link) => name === undefined || link.name === name || link.name.startsWith(`${name}@`),
  )
  if (fits.length !== 1)
    throw new X0tError('BPF_NOT_ATTACHED', `${request.link} names ${fits.length} attachments, expected one`, {
      hint: `attached are: ${owner.links.map((link) => `${owner.name}/${link.name}`).join(', ') || 'none'}`,
    })
  const pin = fits[0]!
  using link = await backend.openLink({ pin: pin.path })
  const previousProgramId = (await backend.listLinks()).find(({ id }) => id === link.id)?.programId
  if (previousProgramId === undefined)
    throw new X0tError('BPF_NOT_ATTACHED', `${request.link} is not attached any more`, {
      hint: `x0t bpf detach ${request.link}`,
    })
  using previous = await backend.openProgram({ id: previousProgramId })
  using program = await backend.openProgram({ pin: next.program.path })
  link.update(program)
  const result = { id: link.id, previousProgramId, programId: program.id }
  let gate: { readonly healthy: boolean; readonly checks: number }
  try {
    gate = await passes(request)
  } catch (error) {
    link.update(previous)
    throw error
  }
  if (!gate.healthy) {
    link.update(previous)
    return {
      ...result,
      outcome: 'rolled-back',
      checks: gate.checks,
      object: owner.name,
      name: pin.name,
      path: pin.path,
    }
  }
  const moved = `${next.program.name}${placeOfLink(pin.name)}`
  const path = pinPath(next.object.folder, 'links', moved)
  if (path !== pin.path) await rename(pin.path, path)
  return { ...result, outcome: 'replaced', checks: gate.checks, object: next.object.name, name: moved, path }
}

async function passes(
  request: ReplaceRequest,
): Promise<{ readonly healthy: boolean; readonly checks: number }> {
  const { check, timeoutMs, everyMs, signal, monotonicMs, wait } = request
  if (check === undefined) return { healthy: true, checks: 0 }
  const deadline = monotonicMs() + timeoutMs
  for (let checks = 1; ; checks += 1) {
    signal.throwIfAborted()
    // A check that hangs is a check that fails.
    const leftMs = Math.max(1, Math.ceil(deadline - monotonicMs()))
    if (await check(AbortSignal.any([signal, AbortSignal.timeout(leftMs)]))) return { healthy: true, checks }
    if (monotonicMs() + everyMs >= deadline) return { healthy: false, checks }
    await wait(everyMs)
  }
}

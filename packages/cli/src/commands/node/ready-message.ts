import { messageOf, X0tError } from '@x0t/core'
import type { NodeIdentity } from '../../views/node.ts'

/** A node that has come up. */
export interface ReadyNode extends NodeIdentity {
  readonly name: string
  readonly home: string
  readonly pid: number
  /** True if this start made its keys and its mesh. */
  readonly first: boolean
}

/** What a detached node tells the command that started it, over the IPC channel of the spawn. */
export type StartMessage =
  | { readonly x0t: 'ready'; readonly node: ReadyNode }
  | {
      readonly x0t: 'failed'
      readonly code: string
      readonly message: string
      readonly hint?: string
      readonly exitCode: number
    }

export function reportReady(node: ReadyNode): void {
  send({ x0t: 'ready', node })
}

export function reportFailure(error: unknown): void {
  const known = error instanceof X0tError ? error : undefined
  send({
    x0t: 'failed',
    code: known?.code ?? 'INTERNAL',
    message: messageOf(error),
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
    exitCode: known?.exitCode ?? 1,
  })
}

export function isStartMessage(message: unknown): message is StartMessage {
  return typeof message === 'object' && message !== null && 'x0t' in message
}

/** Sends and lets go of the channel, so that neither process waits for the other. */
function send(message: StartMessage): void {
  if (process.send === undefined) return
  process.send(message, undefined, undefined, () => {
    if (process.connected) process.disconnect?.()
  })
}

import type { Arena } from './arena.ts'

/**
 * What an echo request or reply says, sealed like data (kinds 0x82 and 0x83), 16 bytes: kind, flags (1: about the ordinary
 * way, although data goes another one), the request's number (u32), the highest number of a request received from the
 * other side (u32), how many replies are overdue (u8), a zero, the number of the last request that was answered (u32).
 * Zeros may follow, as padding.
 */
export interface Echo {
  readonly id: number
  readonly heardId: number
  readonly overdue: number
  readonly answeredId: number
  readonly isPrimary: boolean
}

export const echoBytes = 16

/** Writes an echo and its padding up to `length` bytes. */
export function writeEcho(
  { bytes, view }: Arena,
  at: number,
  kind: number,
  echo: Echo,
  length: number,
): void {
  bytes.fill(0, at, at + length)
  bytes[at] = kind
  bytes[at + 1] = echo.isPrimary ? 1 : 0
  view.setUint32(at + 2, echo.id)
  view.setUint32(at + 6, echo.heardId)
  bytes[at + 10] = Math.min(255, echo.overdue)
  view.setUint32(at + 12, echo.answeredId)
}

/** Reads an echo of `length` bytes; undefined if it is none. */
export function readEcho({ bytes, view }: Arena, at: number, length: number): Echo | undefined {
  if (length < echoBytes || bytes[at + 1]! > 1 || bytes[at + 11] !== 0) return undefined
  return {
    id: view.getUint32(at + 2),
    heardId: view.getUint32(at + 6),
    overdue: bytes[at + 10]!,
    answeredId: view.getUint32(at + 12),
    isPrimary: bytes[at + 1] === 1,
  }
}

import { z } from 'zod'
import { nodeId, nodeReference, timeMs } from './fields.ts'

/** A token is public by its id; its secret is shown once, in {@link invitation}. */
const tokenId = z.string().min(1).max(64)

export const inviteRequest = z.strictObject({
  /** Name that the new node shall have; chosen by itself where absent. */
  name: z.string().min(1).max(63).optional(),
  /** Validity of the token; the daemon's setting where absent. */
  ttlMs: z
    .number()
    .positive()
    .max(31 * 86_400_000)
    .optional(),
  /** `host:port` at which the new node can reach the mesh; the daemon's own where absent. */
  addresses: z.array(z.string().min(1).max(300)).max(16).optional(),
})
export type InviteRequest = z.infer<typeof inviteRequest>

export const invitation = z.object({ id: tokenId, token: z.string(), expiresAtMs: timeMs })
export type Invitation = z.infer<typeof invitation>

export const token = z.object({
  id: tokenId,
  name: z.string().nullable(),
  state: z.enum(['open', 'used', 'expired', 'revoked']),
  createdAtMs: timeMs,
  expiresAtMs: timeMs,
  usedBy: nodeId.nullable(),
})
export type Token = z.infer<typeof token>

export const tokens = z.object({ tokens: z.array(token) })
export type Tokens = z.infer<typeof tokens>

export const revokeTokenRequest = z.strictObject({ id: tokenId })
export type RevokeTokenRequest = z.infer<typeof revokeTokenRequest>
export const revokedToken = z.object({ id: tokenId })
export type RevokedToken = z.infer<typeof revokedToken>

export const banRequest = z.strictObject({ node: nodeReference, reason: z.string().max(256).optional() })
export type BanRequest = z.infer<typeof banRequest>

export const ban = z.object({
  id: nodeId,
  name: z.string().nullable(),
  reason: z.string(),
  bannedAtMs: timeMs,
})
export type Ban = z.infer<typeof ban>

export const bans = z.object({ bans: z.array(ban) })
export type Bans = z.infer<typeof bans>

export const unbanRequest = z.strictObject({ node: nodeReference })
export type UnbanRequest = z.infer<typeof unbanRequest>
export const unbanned = z.object({ id: nodeId })
export type Unbanned = z.infer<typeof unbanned>

import { chmodSync, existsSync, mkdirSync } from 'node:fs'
import { overlayAddress, X0tError, type Clock, type NodeId, type Random } from '@x0t/core'
import { nodeSpiffeId, openIdentityStore, type IdentityStore } from '@x0t/identity'
import {
  createIdentity,
  generateMasterSeed,
  newIdentityRecord,
  readIdentityFile,
  writeIdentityFile,
  type Identity,
} from '@x0t/keys'
import type { Home } from './home.ts'

/** Who a node is in its mesh. */
export interface NodeIdentity {
  readonly nodeId: NodeId
  readonly spiffeId: string
  readonly overlayAddress: string
}

export function describeNode(nodeId: NodeId, trustDomain: string): NodeIdentity {
  return { nodeId, spiffeId: nodeSpiffeId(trustDomain, nodeId), overlayAddress: overlayAddress(nodeId) }
}

/** The identity in a home and its store, open. */
export interface OpenIdentity {
  readonly identity: Identity
  readonly store: IdentityStore
}

/**
 * Opens the identity of a home; makes the keys if there are none.
 * A node starts unattended, so its identity file is protected by its mode (0600) and not by a passphrase.
 */
export async function openIdentity(
  home: Home,
  options: { readonly name: string; readonly random: Random; readonly clock: Clock },
): Promise<OpenIdentity> {
  makeHome(home)
  const store = await openIdentityStore(home.identityDirectory)
  try {
    return { identity: await readOrMakeIdentity(home.identityFile, options), store }
  } catch (error) {
    await store[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Opens the identity of a home that has one.
 * @throws X0tError NODE_NOT_MADE where there is none
 */
export async function openExistingIdentity(home: Home): Promise<OpenIdentity> {
  if (!existsSync(home.identityFile)) throw notMade(home)
  const { identity } = await readIdentityFile(home.identityFile)
  return { identity, store: await openIdentityStore(home.identityDirectory) }
}

/** The error of a home without a node that belongs to a mesh. */
export function notMade(home: Home): X0tError {
  return new X0tError('NODE_NOT_MADE', `${home.directory} holds no node that belongs to a mesh`, {
    hint: 'x0t node start makes a mesh of its own, x0t node join TOKEN joins another',
  })
}

function makeHome({ directory }: Home): void {
  if (existsSync(directory)) return
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  chmodSync(directory, 0o700)
}

async function readOrMakeIdentity(
  path: string,
  { name, random, clock }: { readonly name: string; readonly random: Random; readonly clock: Clock },
): Promise<Identity> {
  if (existsSync(path)) return (await readIdentityFile(path)).identity
  const masterSeed = generateMasterSeed(random)
  try {
    await writeIdentityFile(path, newIdentityRecord(name, masterSeed, clock), { protection: 'none' })
    return createIdentity(masterSeed)
  } finally {
    masterSeed.fill(0)
  }
}

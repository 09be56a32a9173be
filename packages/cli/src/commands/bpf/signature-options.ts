import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { hasCode, X0tError } from '@x0t/core'
import type { ObjectVerifier, SignedContent } from '@x0t/bpf'

export interface SignatureOptions {
  readonly requireSigned?: string
  readonly signature?: string
}

export function withSignature(command: Command): Command {
  return command.option(
    '--require-signed <key-file>',
    'only if signed by this public identity (.pub), with ML-DSA-65 and Ed25519 (X0T_BPF_REQUIRE_SIGNED)',
  )
}

/**
 * Checks the signature of an object, where one is required; no network, only files.
 * @param path of the signature
 * @throws X0tError BPF_SIGNATURE_MISSING, BPF_SIGNATURE_INVALID, BPF_SIGNATURE_UNTRUSTED
 */
export async function requireSignature(
  content: SignedContent,
  path: string,
  keyFile: string | undefined,
): Promise<void> {
  if (keyFile === undefined) return
  const { hybridVerify, nodeIdOfKeys, parsePublicIdentity, readPublicFile } = await import('@x0t/keys')
  const { verifyObject } = await import('@x0t/bpf')
  const trusted = parsePublicIdentity((await readPublicFile(keyFile)).toString('utf8')).nodeId
  const verifier: ObjectVerifier = {
    keyIdOf: (keys) => nodeIdOfKeys(keys.ed25519PublicRaw, keys.mldsa65PublicRaw),
    verify: hybridVerify,
  }
  verifyObject(content, await readSignature(path), { verifier, isTrusted: (keyId) => keyId === trusted })
}

async function readSignature(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
    throw new X0tError('BPF_SIGNATURE_MISSING', `a signature is required, and there is none at ${path}`, {
      cause: error,
      hint: 'x0t bpf sign makes one',
    })
  }
}

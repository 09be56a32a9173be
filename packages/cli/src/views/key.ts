import Table from 'cli-table3'
import { shortNodeId, type NodeId } from '@x0t/core'
import type { KeyAlgorithm, KeyDirectoryEntry, KeyFileSummary, SelfTestResult } from '@x0t/keys'

/** Result of `keygen`, `key restore`. */
export interface CreatedIdentity {
  readonly nodeId: NodeId
  readonly name: string
  readonly epoch: number
  readonly overlayAddress: string
  readonly keyFile: string
  readonly publicFile: string
  readonly ageRecipient: string
  readonly encrypted: boolean
  /** Only where the user asked for them. */
  readonly words?: string
}

export function createdIdentityView(value: CreatedIdentity): string {
  const lines = rows([
    ['node id', value.nodeId],
    ['address', value.overlayAddress],
    ['epoch', String(value.epoch)],
    [
      'secret file',
      `${value.keyFile} (${value.encrypted ? 'encrypted' : 'not encrypted: its mode alone protects it'})`,
    ],
    ['public file', value.publicFile],
  ])
  return value.words === undefined ? lines : `${lines}\n${wordsView({ words: value.words.split(' ') })}`
}

/** Result of `key rotate`. */
export interface RotatedIdentityResult extends CreatedIdentity {
  readonly oldNodeId: NodeId
  readonly rotationFile?: string
  readonly formerFile?: string
}

export function rotatedIdentityView(value: RotatedIdentityResult): string {
  const rest =
    value.rotationFile === undefined
      ? rows([
          ['old node id', value.oldNodeId],
          ['old file', value.formerFile ?? ''],
          ['next', `admit the new id, and ban the old one: x0t node ban ${value.oldNodeId}`],
        ])
      : rows([
          ['old node id', value.oldNodeId],
          ['record', `${value.rotationFile} (signed by the old keys: peers follow it)`],
          ['backup', 'the words stay valid'],
        ])
  return `${createdIdentityView(value)}\n${rest}`
}

/** Result of `key show`: what the file is, and of an identity that could be opened the ids inside. */
export type KeyDescription =
  | KeyFileSummary
  | {
      readonly kind: 'identity'
      readonly nodeId: NodeId
      readonly name: string
      readonly epoch: number
      readonly createdMs: number
      readonly encrypted: true
      readonly protection: 'passphrase' | 'recipients'
    }

export function keySummaryView(value: KeyDescription): string {
  const facts: [string, string][] = [['kind', value.kind]]
  if ('nodeId' in value) {
    facts.push(
      ['name', value.name],
      ['node id', value.nodeId],
      ['epoch', String(value.epoch)],
      ['made', dateOf(value.createdMs)],
    )
  }
  if ('algorithm' in value) facts.push(['algorithm', value.algorithm], ['key id', value.keyId])
  if (value.kind === 'rotation') {
    facts.push(
      ['old node id', `${value.oldNodeId} (epoch ${value.oldEpoch})`],
      ['new node id', `${value.newNodeId} (epoch ${value.newEpoch})`],
      ['made', dateOf(value.createdMs)],
    )
  }
  const secret = ['identity', 'encrypted-file', 'private-key', 'encrypted-private-key'].includes(value.kind)
  if (secret)
    facts.push([
      'encrypted',
      !value.encrypted ? 'no' : 'protection' in value ? `yes (${value.protection})` : 'yes',
    ])
  return rows(facts)
}

export function keyListView(entries: readonly KeyDirectoryEntry[]): string {
  if (entries.length === 0) return 'no keys here'
  const table = new Table({
    head: ['file', 'kind', 'id', 'epoch', 'encrypted'],
    style: { head: [], border: [] },
  })
  for (const { path, summary } of entries) {
    table.push([
      path,
      summary.kind,
      idOfSummary(summary),
      'epoch' in summary ? String(summary.epoch) : '',
      summary.encrypted ? 'yes' : summary.kind === 'identity' || summary.kind === 'private-key' ? 'no' : '',
    ])
  }
  return table.toString()
}

function idOfSummary(summary: KeyFileSummary): string {
  if ('nodeId' in summary) return `${shortNodeId(summary.nodeId)}…`
  if ('keyId' in summary) return `${summary.keyId.slice(0, 10)}… (${summary.algorithm})`
  if (summary.kind === 'rotation')
    return `${shortNodeId(summary.oldNodeId)}… → ${shortNodeId(summary.newNodeId)}…`
  return ''
}

/** Result of `key public`. */
export interface PublicKeys {
  readonly format: string
  readonly text: string
  readonly keys: readonly { readonly algorithm: KeyAlgorithm; readonly keyId: string }[]
}

export function publicKeysView(value: PublicKeys): string {
  return value.text
}

export function writtenFilesView(value: { readonly files: readonly string[] }): string {
  return value.files.map((file) => `wrote ${file}`).join('\n')
}

/** The words in four columns, numbered, to be copied by hand. */
export function wordsView(value: { readonly words: readonly string[] }): string {
  const numbered = value.words.map((word, index) => `${String(index + 1).padStart(2)}. ${word.padEnd(10)}`)
  const lines: string[] = []
  for (let i = 0; i < numbered.length; i += 4)
    lines.push(
      numbered
        .slice(i, i + 4)
        .join('')
        .trimEnd(),
    )
  return lines.join('\n')
}

export function sharesView(value: {
  readonly threshold: number
  readonly shares: readonly string[]
}): string {
  const head = `any ${value.threshold} of these ${value.shares.length} shares give the identity back`
  return [head, ...value.shares.map((share, index) => `\nshare ${index + 1}\n${share}`)].join('\n')
}

/** Result of `key verify`. */
export interface SignatureCheck {
  readonly file: string
  readonly good: boolean
  readonly signer: NodeId
  readonly expected: NodeId
  readonly reason?: string
}

export function verificationView(value: SignatureCheck): string {
  if (value.good) return `good signature of ${value.signer}`
  return `BAD signature: ${value.reason ?? ''}\n${rows([
    ['expected', value.expected],
    ['claims', value.signer],
  ])}`
}

export function selfTestView(value: {
  readonly ok: boolean
  readonly node: string
  readonly openssl: string
  readonly results: readonly SelfTestResult[]
}): string {
  const lines = value.results.map(
    ({ ok, backend, claim, failure }) =>
      `${ok ? 'ok  ' : 'FAIL'} ${backend.padEnd(6)} ${claim}${failure === undefined ? '' : `: ${failure}`}`,
  )
  const failed = value.results.filter(({ ok }) => !ok).length
  const verdict =
    failed === 0 ? `all ${value.results.length} hold` : `${failed} of ${value.results.length} FAIL`
  return [...lines, `node ${value.node}, openssl ${value.openssl}: ${verdict}`].join('\n')
}

function rows(facts: readonly (readonly [string, string])[]): string {
  return facts.map(([name, value]) => `${`${name}:`.padEnd(13)}${value}`).join('\n')
}

function dateOf(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

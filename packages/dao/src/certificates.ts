import type { Certificate } from './dao-state.ts'
import type { MemberId, RecordOf, SignedRecord } from './record.ts'

/** The place of the closing protocol, which lands beside: until then no proposal has a certificate. */
export function certificatesOf(
  _proposal: SignedRecord & { readonly record: RecordOf<'proposal'> },
  _seals: readonly SignedRecord[],
): {
  readonly certificate: Certificate | null
  readonly rivals: readonly Certificate[]
  readonly culprits: readonly MemberId[]
} {
  return { certificate: null, rivals: [], culprits: [] }
}

import type { Certificate } from './dao-state.ts'
import type { MemberId, RecordOf, SignedRecord } from './record.ts'
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

/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  DAO_RECORD_TOO_LARGE: 'A record has more bytes than may be carried. Make the text or the file smaller.',
  DAO_TOO_MANY_RECORDS: 'One member sent more records than are kept. Nothing of others is lost.',
  DAO_ACTION_INVALID: 'An action is not written as it should be. x0t dao propose --help shows the forms.',
  DAO_ACTION_NOT_ALLOWED:
    'This may not be voted on. The hint names what may; the rest belongs to each machine.',
  DAO_ACTION_OUT_OF_BOUNDS:
    'A vote may not set this value: the mesh might not be repaired any more. The message names the bounds.',
  DAO_ACTIONS_CONFLICT:
    'These actions cannot stand in one proposal: too many, two about one thing, or rules that ask which, not whether.',
  DAO_ARTIFACT_TOO_LARGE: 'A file that is published has 1 byte to 4 MiB.',
  DAO_ARTIFACT_UNSIGNED:
    'A file is published with the signature of its maker beside it: x0t bpf sign, or x0t key sign --context model.',
} as const

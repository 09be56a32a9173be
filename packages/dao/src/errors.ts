/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  DAO_AMOUNT_INVALID:
    'An amount is no whole number below 2^256. Write base units in decimal digits, without sign, point or exponent.',
  DAO_AMOUNT_ZERO: 'An amount that must be at least 1 is 0.',
  DAO_FRACTION_INVALID:
    'A fraction is not from 0/1 to 1/1. Write it as 1/2: two whole numbers of up to 18 digits.',
  DAO_SHARE_INVALID:
    'A share of a ballot is no decimal number such as 3 or 0.25, of up to 18 digits on each side.',
  DAO_VOTES_INVALID: 'Votes are no whole number. Votes against are written with - before the digits.',
  DAO_RULES_INVALID:
    'The rules of a proposal are incomplete or contradict each other; the message names the field.',
  DAO_PRESET_UNKNOWN: 'There are no rules of this name. The hint lists the names.',
  DAO_CHOICES_INVALID:
    'Choices are too few, too many, alike or unreadable, or their roles do not fit the rules. The message says which.',
  DAO_BALLOT_INVALID: 'A ballot does not have the shape of one; the message names the field.',
  DAO_BALLOT_KIND: 'The method of the proposal takes another kind of ballot.',
  DAO_BALLOT_EMPTY: 'The ballot names no choice, or gives all of them 0.',
  DAO_CHOICE_UNKNOWN: 'The ballot names a choice that the proposal does not offer.',
  DAO_CHOICE_TWICE: 'The ballot names a choice twice.',
  DAO_BUDGET_EXCEEDED:
    'The votes cost more credits than the member has: votes for a choice cost their square.',
  DAO_COUNT_TOO_HARD:
    'Numbers are so close that no exact comparison was found within the limits of work. Nothing was decided.',
  DAO_ELECTION_INVALID: 'The file does not hold an election to count; the message names the field.',
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
  DAO_RECORD_MALFORMED:
    'A record is not strict dag-cbor of the form that its kind has. It was damaged, or another version wrote it.',
  DAO_RECORD_ID_INVALID:
    'The id of a record begins with bafyrei and has 59 characters; x0t dao list shows them.',
  DAO_STORE_DAMAGED:
    'The file of records cannot be read whole. Move it away and import a bundle of another member.',
  DAO_STORE_NEWER: 'A later x0t wrote the file of records. Install that one again.',
  DAO_STORE_FAILED:
    'The file of records cannot be opened or written: space, permissions, or another program.',
  DAO_BUNDLE_NOT_FOUND: 'There is no bundle at this path.',
  DAO_BUNDLE_TRUNCATED:
    'A bundle ends before its end mark. The message says how many records are good; copy it again.',
  DAO_BUNDLE_INVALID: 'A bundle is none, or damaged. Copy it again, or export it anew.',
  DAO_BUNDLE_WRITE_FAILED: 'A bundle cannot be written: space, permissions. Nothing half-written is left.',
} as const

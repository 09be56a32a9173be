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
  DAO_GENESIS_INVALID: 'A genesis record does not found a DAO: its lists or its signature do not hold.',
  DAO_GENESIS_MISSING: 'No record among these founds a DAO. Export the whole DAO where it was founded.',
  DAO_GENESIS_AMBIGUOUS: 'The records are of several DAOs, which are never merged. Say which one is meant.',
  DAO_OTHER_DAO: 'A record belongs to another DAO. It counts for nothing here.',
  DAO_SIGNATURE_INVALID:
    'Not both signatures of a record hold under the keys that its author has at this place. It counts for nothing.',
  DAO_RECORD_MISSING: 'A record that this one builds on is not here yet. It is kept until that one comes.',
  DAO_LANE_BROKEN: 'A record does not have the number that follows its predecessor.',
  DAO_EQUIVOCATION:
    'Its author gave one number to two records. Both are the proof, and void whatever that author says from there on.',
  DAO_NOT_A_MEMBER: 'Its author is no member. A registrar adds members: x0t dao member add.',
  DAO_MEMBER_EXISTS: 'There is a member with this id already; x0t dao member list shows it.',
  DAO_MEMBER_UNKNOWN: 'There is no member with this id; x0t dao member list shows them.',
  DAO_NOT_A_REGISTRAR: 'Only registrars, whom the constitution names, change the registry.',
  DAO_REGISTRAR_FIXED:
    'A registrar is named by the constitution and stays a member; its balance can be set to 0.',
  DAO_KEYS_MISMATCH: 'The id of a member is not that of its keys.',
  DAO_KEY_REUSED: 'A key belongs to another member already. Each member has keys of its own.',
  DAO_ROTATION_INVALID: 'New keys have not signed that they are the keys of this member. The old ones stay.',
  DAO_DELEGATE_SELF: 'A member delegates to another member, not to itself.',
  DAO_DELEGATION_CYCLE: 'Delegations would run in a circle; those in it would be void.',
  DAO_PROPOSAL_UNKNOWN:
    'There is no such proposal here; x0t dao list shows them, x0t dao import brings others.',
  DAO_SNAPSHOT_MISMATCH: 'The registry records that a proposal names give another electorate than it says.',
  DAO_WITNESSES_WRONG: 'A proposal names other witnesses than the constitution gives.',
  DAO_TIMES_INVALID: 'A proposal leaves less time than the constitution asks for.',
  DAO_TOO_MANY_PROPOSALS: 'One member has as many proposals open as the constitution allows.',
  DAO_NOT_IN_SNAPSHOT: 'Its author was no member when the proposal was made, and has no say in it.',
  DAO_NOT_A_WITNESS: 'Its author is no witness of this proposal.',
  DAO_NOT_A_GUARDIAN: 'Only guardians, whom the constitution names, veto.',
  DAO_NOT_THE_AUTHOR: 'Only its author takes a proposal back.',
  DAO_NOT_OPEN: 'Voting has not begun by the clock of this machine.',
  DAO_CLOSED:
    'Voting has ended: by the clock of this machine, by a certificate, or because it was taken back.',
  DAO_RECEIPT_INVALID: 'The file is no receipt, or was damaged. Ask for it again: x0t dao receipt.',
  DAO_NOT_CERTIFIED: 'The witnesses have not agreed on the ballots yet. x0t dao show names who is missing.',
  DAO_BALLOT_NOT_COUNTED:
    'The ballot is not in the set that the witnesses certified: too few had it in time, or it is void.',
} as const

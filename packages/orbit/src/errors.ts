/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  ORBIT_FILE_DAMAGED:
    'The file that carries a DAO to the neighbours cannot be read. Move it away: it is made anew from dao.sqlite and the neighbours.',
  ORBIT_OTHER_DAO: 'The file carries the records of another DAO. A home holds one DAO.',
  ORBIT_ENTRY_INVALID: 'A neighbour or a member sent what is no entry of its log. It is muted for a while.',
  ORBIT_LOG_FULL: "A member's log has more bytes than are carried. Logs of others are not touched.",
  ORBIT_BLOCK_MISSING: 'A neighbour told of an entry and did not give it. It is asked for again later.',
  ORBIT_RECORD_UNVERIFIED:
    'A record is not carried: its signatures do not hold, or its author is not known yet.',
  ORBIT_NO_WRITER: 'This node is no member of the DAO: it carries what others write and writes nothing.',
  ORBIT_MESSAGE_INVALID:
    'A neighbour sent a message that is malformed or too large. It is muted for a while.',
} as const

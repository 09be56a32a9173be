/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  SESSION_TIMEOUT:
    'the peer did not complete the handshake in time: it may be down or unreachable; it is tried again',
  SESSION_REFUSED:
    'TLS between the two nodes failed, as with a foreign mesh, an expired SVID or another TLS profile',
  SESSION_PEER_MISMATCH: 'another node answered than the one addressed: someone on the path interferes',
  SESSION_NO_COMMON_SUITE:
    'the two nodes share no cipher suite: allow aes-256-gcm or chacha20-poly1305 on both',
  SESSION_RECORD_INVALID:
    'the peer sent something that is no session record of this version: update both nodes',
  SESSION_MESSAGE_INVALID: 'a routed message is no handshake message; it is dropped and counted',
  SESSION_TOO_LARGE: 'the handshake exceeded its size limit; it is abandoned',
  SESSION_LIMIT: 'the node holds as many sessions as it may: raise the limit, or wait until idle ones lapse',
  SESSION_CANCELLED: 'the session was dropped, for example because the peer was banned',
  UNIT_INVALID:
    'a sealed unit is not authentic, or not for this security association; it is dropped and counted',
  SEQUENCE_EXHAUSTED: 'the security association used all its sequence numbers: renew it',
} as const

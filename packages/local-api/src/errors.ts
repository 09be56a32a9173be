/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  NO_DAEMON: 'no node runs on this machine, or not with this home directory: x0t node start',
  NODE_ALREADY_RUNNING: 'a node answers on the socket already: x0t node status, or x0t node stop',
  SOCKET_FORBIDDEN: 'the socket belongs to another user: run the command as that user or as root',
  SOCKET_PATH_INVALID: 'the path of the socket is too long (107 bytes) or holds something else: set X0T_HOME',
  SOCKET_DIRECTORY_UNSAFE: 'others may write to the directory of the socket: chmod 700',
  HTTP_PORT_TAKEN: 'another program listens on the HTTP address: set another port or switch it off',
  REQUEST_INVALID: 'the request does not fit the schema of its route: see the message',
  ROUTE_UNKNOWN: 'the daemon has no such route: is the command newer than the daemon? restart the node',
  HOST_REFUSED:
    'the Host header names neither this machine nor an allowed host (guard against DNS rebinding)',
  REQUEST_TOO_LARGE: 'the body of the request exceeds its limit',
  MESH_DOWN: 'the node runs but its mesh does not: x0t node status tells why',
  DAEMON_FAILED: 'the daemon failed to answer for a reason of its own: its log has the details',
  DAEMON_TIMEOUT: 'the daemon did not answer in time: try again; if it persists, look at its log',
  DAEMON_INCOMPATIBLE: 'daemon and command speak different versions of the API: restart the node',
} as const

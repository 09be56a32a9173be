/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  CONFIG_INVALID:
    'A setting in the file, the environment or a flag does not hold. The message names each place; x0t config check.',
  CONFIG_UNREADABLE: 'The configuration file is there but cannot be read. Check its owner and mode.',
  INSTALL_NEEDS_ROOT: 'Writing a systemd unit needs root: sudo x0t node install, or --dry-run to see it.',
  INSTALL_UNREACHABLE:
    'The service user could not read the program where it lies. Put x0t under /opt or /usr/local.',
  INSTALL_HOME_INVALID: 'A service keeps its state below /var/lib, so that systemd can make and own it.',
  INSTALL_FAILED: 'systemctl refused the unit; the message says why. journalctl -u x0t tells more.',
  INSTALL_EXISTS: 'A different unit file stands there already; compare with --dry-run, replace with --force.',
  NODE_NOT_MADE:
    'The home holds no node of a mesh yet: x0t node start makes a mesh, x0t node join enters one.',
  NODE_IS_MEMBER:
    'The home holds a member of a mesh already. Start it, or give the other node its own --home.',
  NODE_STATE_DAMAGED:
    'The state file cannot be read. Move it away: it holds nothing that is not found again.',
  NODE_STATE_NEWER: 'A newer x0t wrote the state file; install that version again.',
  HOME_UNWRITABLE:
    'The home cannot be written: the disk is full, read-only or broken, or belongs to another user. Nothing is lost.',
  JOIN_UNREACHABLE:
    'No member named in the token answered. Check that one runs and that its port is open; --via.',
  AUTHORITY_UNREACHABLE: 'The member that holds the authority did not answer; it is tried again.',
  NOT_THE_AUTHORITY: 'Only the node that made the mesh can do this: it holds the certificate authority.',
  NO_ADDRESS: 'The node knows no address at which others reach it: x0t node invite --address HOST:PORT.',
  NODE_NOT_FOUND: 'No member has this name, id or address: x0t mesh map lists them.',
  NODE_AMBIGUOUS: 'Several members fit this name or start of an id: give more characters of the id.',
  DAO_NOT_HERE: 'The home holds no DAO: x0t dao init founds one, x0t dao import brings another.',
  DAO_FAILED: 'The DAO of the home cannot be followed; the message says why. The rest of the node works.',
  DAO_SIGNED_ELSEWHERE:
    'Another process of this home signed the next message of a vote first. It is taken up from there.',
  NODE_NOT_BANNED: 'The member is not banned: x0t node bans lists who is.',
  BANS_FULL: 'The node keeps as many bans as it can; lift those of nodes that are long gone.',
  PATHS_TO_SELF: 'Paths lead to another member: x0t mesh map lists them.',
  TRACES_RUNNING: 'Too many traces run at once on this node; try again in a few seconds.',
  HEALING_OFF:
    'The healing loop of the node is switched off: healing.enabled = true, then start the node again.',
  INCIDENT_UNKNOWN:
    'No incident, or more than one, has this id or begins with it: x0t heal history lists them.',
  DRILL_IMPOSSIBLE: 'There is no link that a drill could drop: x0t node peers shows which are up.',
  DRILL_UNSAFE:
    'No second path leads round the neighbour, so that the drill would stop traffic. --force does it all the same.',
  POLICY_FILE_UNREADABLE:
    'The file that healing.policy_file names cannot be read. Check its path, owner and mode.',
  DECISIONS_DAMAGED:
    'The file of decisions in force cannot be read. Start the node: it makes it anew from the records of the DAO.',
  ARTIFACT_UNREADABLE: 'A file that a vote has published cannot be read. Check owner and mode of its folder.',
  BAN_SELF: 'The node that holds the authority cannot ban itself.',
} as const

/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  CONFIG_INVALID:
    'A setting in the file, the environment or a flag does not hold. The message names each place; x0t config check.',
  CONFIG_UNREADABLE: 'The configuration file is there but cannot be read. Check its owner and mode.',
  CONFIG_EXISTS: 'x0t config init does not overwrite a file; use --force to replace it.',
  INSTALL_NEEDS_ROOT: 'Writing a systemd unit needs root: sudo x0t node install, or --dry-run to see it.',
  INSTALL_UNREACHABLE:
    'The service user could not read the program where it lies. Put x0t under /opt or /usr/local.',
  INSTALL_HOME_INVALID: 'A service keeps its state below /var/lib, so that systemd can make and own it.',
  INSTALL_FAILED: 'systemctl refused the unit; the message says why. journalctl -u x0t tells more.',
  INSTALL_EXISTS: 'A different unit file stands there already; compare with --dry-run, replace with --force.',
} as const

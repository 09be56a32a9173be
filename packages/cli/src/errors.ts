/** Error codes of the command line itself: what each means and what to do. */
export const errorCodes = {
  INTERNAL: 'A fault of x0t, not yours. X0T_DEBUG=1 shows where; please report it.',
  SYSTEM: 'The operating system refused something; the message says what. Often a path or a permission.',
  INTERRUPTED: 'A signal ended the command. Its exit code is 128 + the number of the signal.',
  USAGE: 'The command line does not fit the command; add --help.',
  CONFIRMATION_NEEDED: 'The command changes what cannot be taken back lightly: answer y, or add --yes.',
  PASSPHRASES_DIFFER: 'The passphrase was typed differently the second time. Run the command again.',
  TOKEN_MISSING: 'No join token was given: as an argument, with --token-file, or - for standard input.',
  TOKEN_UNREADABLE: 'The file that holds the join token cannot be read.',
  NODE_START_FAILED: 'A detached node ended before it was ready; x0t node logs tells why.',
  NODE_STOP_TIMEOUT: 'The node did not end in time. Look at its log; kill it by its pid if it hangs.',
  LOG_NOT_FOUND: 'The node has written no log file. A service logs to the journal: journalctl -u x0t.',
  ERROR_CODE_UNKNOWN: 'No package has such an error code; x0t help errors lists them all.',
  CONFIG_EXISTS: 'x0t config init does not overwrite a file; --force replaces it.',
  HELP_TOPIC_UNKNOWN: 'There is no such command or help topic; x0t help lists them.',
} as const

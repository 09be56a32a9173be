import type { Command } from 'commander'
import { withHome } from '../node/home-option.ts'

/** Adds what every command takes that signs with the keys of a home. */
export function withSigner(command: Command): Command {
  return withHome(command)
    .option(
      '--passphrase-file <file>',
      'read the passphrase of the keys from this file (first line, mode 0600)',
    )
    .option('--passphrase-fd <number>', 'read the passphrase of the keys from this file descriptor')
}

/** Codes of the errors that this package throws, with what they mean and what to do. */
export const errorCodes = {
  KEY_AGE_INVALID:
    'The file is not a whole age file: damaged, cut off or of another format. Restore it from a backup.',
  KEY_ALGORITHM_UNKNOWN:
    'The key is of an algorithm that x0t does not use. Known: Ed25519, X25519, ML-DSA-65, ML-KEM-768.',
  KEY_CHANGED_MEANWHILE:
    'Another process changed the file between reading and writing. Look at it, then run the command again.',
  KEY_CLOCK_BEHIND:
    'The clock shows a time before the key was made. Set the clock, then run the command again.',
  KEY_DIRECTORY_UNSAFE:
    'Everybody may write to the directory, so everybody could replace the key. Choose another or change its mode.',
  KEY_EXISTS:
    'There is a file of that name already, and it may be the only copy of a key. Choose another name or say --force.',
  KEY_ID_MISMATCH:
    'The keys are whole, but belong to another id than the one expected. Check words, shares and passphrase.',
  KEY_INVALID: 'The bytes are not the key, identity or record they should be.',
  KEY_IS_PRIVATE:
    'A private key stands where a public one is expected. Use the .pub file, and do not pass the private one on.',
  KEY_IS_PUBLIC: 'A public key stands where a private one is expected. Use the identity file.',
  KEY_IS_SYMLINK: 'The path is a symbolic link. Secrets are only written to the real path.',
  KEY_MODE_TOO_OPEN:
    'Group or others may read the secret. Restrict it with chmod 600, and think of rotating the key.',
  KEY_NAME_INVALID:
    'The name of an identity has 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit.',
  KEY_NO_SEED:
    'The private key holds the expanded key without its seed, so it cannot be written in the seed form.',
  KEY_NOT_ENCRYPTED: 'The file is not encrypted, so there is no passphrase to check.',
  KEY_NOT_FOUND: 'There is no file at this path.',
  KEY_PASSPHRASE_NEEDED:
    'The file is encrypted with a passphrase and none was given. Use --passphrase-file, --passphrase-fd or a terminal.',
  KEY_PASSPHRASE_WRONG: 'The passphrase does not open the file.',
  KEY_RECIPIENT_INVALID:
    'The text is not an age recipient (age1…, age1pq1…) or not a usable public key file.',
  KEY_RECIPIENT_MISMATCH:
    'The file was encrypted for other recipients: none of the identities given opens it.',
  KEY_ROTATION_INVALID:
    'The rotation record does not show that the old identity vouches for the new one. Do not follow it.',
  KEY_SHARES_INVALID: 'The SLIP-39 shares do not fit together: too few, of different sets, or mistyped.',
  KEY_TOO_LARGE: 'The file is larger than anything of this kind can be.',
  KEY_UNREADABLE:
    'The file is there but cannot be read: see the cause (permissions, a directory, a failing disk).',
  KEY_VERSION_UNSUPPORTED: 'The file was written by a newer x0t. Use that version.',
  KEY_WORDS_INVALID:
    'The words are not a backup: wrong count, a word outside the BIP39 list, or a wrong checksum.',
  KEY_WRITE_FAILED:
    'The file could not be written; nothing half-written was left. See the cause (space, permissions, read-only).',
} as const

export type KeyErrorCode = keyof typeof errorCodes

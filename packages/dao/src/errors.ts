/** Error codes of this package: what each means and what to do. */
export const errorCodes = {
  DAO_RECORD_TOO_LARGE: 'A record has more bytes than may be carried. Make the text or the file smaller.',
  DAO_TOO_MANY_RECORDS: 'One member sent more records than are kept. Nothing of others is lost.',
} as const

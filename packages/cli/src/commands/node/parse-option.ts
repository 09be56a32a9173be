import { X0tError } from '@x0t/core'

/** What `parse` makes of a flag's text. @throws X0tError USAGE where it refuses */
export function parseOption<T>(flag: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new X0tError('USAGE', `${flag} ${JSON.stringify(text)}: expected ${error.message}`, {
      cause: error,
      exitCode: 2,
    })
  }
}

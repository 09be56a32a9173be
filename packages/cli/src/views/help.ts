import { exitCodes } from '../exit-codes.ts'
import type { ErrorCode } from '../commands/help/error-codes.ts'
import { facts } from './table.ts'

/** What each exit code means. */
export const exitCodeList: readonly { readonly code: string; readonly meaning: string }[] = [
  { code: String(exitCodes.done), meaning: 'done' },
  { code: String(exitCodes.failed), meaning: 'failed; the error on stderr says why' },
  { code: String(exitCodes.usage), meaning: 'the command line does not fit the command' },
  { code: String(exitCodes.wanting), meaning: 'checked and found wanting (doctor, config check, verify)' },
  { code: String(exitCodes.noDaemon), meaning: 'no node answers; x0t node start' },
  { code: '128+n', meaning: 'ended by signal n: 130 for Ctrl-C, 143 for SIGTERM' },
]

export function exitCodesView(list: typeof exitCodeList): string {
  return facts(list.map(({ code, meaning }) => [code, meaning] as const))
}

export function errorCodesView(codes: readonly ErrorCode[]): string {
  const packages = [...new Set(codes.map((code) => code.package))]
  return packages
    .map((name) => {
      const own = codes.filter((code) => code.package === name)
      return `${name}\n${own.map(({ code, meaning }) => `  ${code}\n      ${meaning}`).join('\n')}`
    })
    .join('\n\n')
}

import type { Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { registerBackup } from './backup.ts'
import { registerCheck } from './check.ts'
import { registerConvert } from './convert.ts'
import { registerEncrypt } from './encrypt.ts'
import { registerGenerate } from './generate.ts'
import { registerList } from './list.ts'
import { registerPassphrase } from './passphrase.ts'
import { registerPublic } from './public.ts'
import { registerRestore } from './restore.ts'
import { registerRotate } from './rotate.ts'
import { registerShow } from './show.ts'
import { registerSign } from './sign.ts'

/** `x0t keygen`, the short form of `x0t key generate`. */
export function registerKeygen(program: Command, context: CommandContext): void {
  registerGenerate(program, 'keygen', context)
}

/** `x0t key …`. */
export function registerKey(program: Command, context: CommandContext): void {
  const key = program
    .command('key')
    .description('identity keys: make, look at, back up, rotate, sign, encrypt')
  registerGenerate(key, 'generate', context)
  registerShow(key, context)
  registerPublic(key, context)
  registerList(key, context)
  registerConvert(key, context)
  registerPassphrase(key, context)
  registerBackup(key, context)
  registerRestore(key, context)
  registerRotate(key, context)
  registerSign(key, context)
  registerEncrypt(key, context)
  registerCheck(key, context)
}

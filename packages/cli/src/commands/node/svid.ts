import { Option, type Command } from 'commander'
import type { CommandContext } from '../../main.ts'
import { homeOf, withHome, type HomeOption } from './home-option.ts'

interface SvidOptions extends HomeOption {
  readonly pem?: boolean
  readonly bundle?: boolean
}

export function registerSvid(node: Command, context: CommandContext): void {
  withHome(node.command('svid').description("show the node's certificate (SVID); the node need not run"))
    .option('--pem', 'print the SVID and its chain as PEM')
    .addOption(new Option('--bundle', 'print the authorities of the mesh as PEM').conflicts('pem'))
    .addHelpText(
      'after',
      '\nWith OpenSSL 3.5 or later anyone can check it:\n' +
        '  x0t node svid --bundle > mesh.pem; x0t node svid --pem > node.pem\n' +
        '  openssl verify -CAfile mesh.pem node.pem',
    )
    .action(async (options: SvidOptions) => {
      const { readSvid } = await import('@x0t/node')
      const { svidView } = await import('../../views/node.ts')
      const svid = await readSvid(await homeOf(options, context))
      context.output().result(svid, (value) => {
        if (options.bundle === true) return value.bundlePem
        return options.pem === true ? value.chainPem : svidView(value)
      })
    })
}

import type { LevelledLog } from '@x0t/node/logging'
import type { NodeConfig } from '@x0t/node/config'
import type { Streams } from '../../output.ts'

/** The log of a node that runs in this process: to stderr, or to a file that is always JSON. */
export async function makeLog(
  { node }: Pick<NodeConfig, 'node'>,
  streams: Streams,
  file?: string,
): Promise<LevelledLog & Disposable & { readonly format: 'json' | 'text' }> {
  const { createLog, openLogFile } = await import('@x0t/node/logging')
  const level = node.logLevel
  if (file !== undefined) {
    const stream = openLogFile(file, node.logFileBytes)
    const log = createLog({ format: 'json', level, stream })
    return { ...log, format: 'json', [Symbol.dispose]: () => stream[Symbol.dispose]() }
  }
  const terminal = streams.stderr.isTTY === true
  const format = node.logFormat === 'auto' ? (terminal ? 'text' : 'json') : node.logFormat
  const noColour = streams.env['NO_COLOR']
  const colour = terminal && (noColour === undefined || noColour === '')
  const log = createLog({ format, level, stream: streams.stderr, colour })
  return { ...log, format, [Symbol.dispose]() {} }
}

import { closeSync, readSync } from 'node:fs'
import { X0tError } from '@x0t/core'
import type { Streams } from './output.ts'

/** Where a passphrase may come from: never argv, never the environment. */
export interface PassphraseOptions {
  readonly passphraseFile?: string
  readonly passphraseFd?: string
}

/** Longest passphrase, bytes. */
const maxPassphraseBytes = 4096

/** A source that asks only when the passphrase is needed: file, file descriptor, or the terminal without echo. */
export function passphraseSource(
  options: PassphraseOptions,
  streams: Streams,
  prompt = 'Passphrase: ',
): () => Promise<string> {
  return async () => {
    if (options.passphraseFile !== undefined) return await passphraseOfFile(options.passphraseFile)
    if (options.passphraseFd !== undefined) return passphraseOfDescriptor(options.passphraseFd)
    return await askPassphrase(streams, prompt)
  }
}

/** A new passphrase: as {@link passphraseSource}, but asked twice on a terminal and never empty. */
export async function newPassphrase(options: PassphraseOptions, streams: Streams): Promise<string> {
  const passphrase = await passphraseSource(options, streams, 'New passphrase: ')()
  if (passphrase === '')
    throw new X0tError('KEY_PASSPHRASE_NEEDED', 'the passphrase is empty', {
      hint: '--no-passphrase, if the file mode is all that shall protect the key',
      exitCode: 2,
    })
  const typed = options.passphraseFile === undefined && options.passphraseFd === undefined
  if (typed && (await askPassphrase(streams, 'Again: ')) !== passphrase)
    throw new X0tError('PASSPHRASES_DIFFER', 'the two passphrases differ', { exitCode: 2 })
  if (passphrase.length < 12)
    streams.stderr.write(
      'warning: a passphrase of fewer than 12 characters can be guessed; four random words are better\n',
    )
  return passphrase
}

/** First line of a file that only its owner may read. */
async function passphraseOfFile(path: string): Promise<string> {
  const { readSecretFile } = await import('@x0t/keys')
  const content = await readSecretFile(path, { maxBytes: maxPassphraseBytes })
  try {
    return firstLine(content)
  } finally {
    content.fill(0)
  }
}

function passphraseOfDescriptor(text: string): string {
  const descriptor = Number(text)
  if (!/^\d{1,4}$/.test(text))
    throw new X0tError(
      'KEY_PASSPHRASE_NEEDED',
      `--passphrase-fd needs a number, not ${JSON.stringify(text)}`,
      {
        exitCode: 2,
      },
    )
  const content = Buffer.alloc(maxPassphraseBytes)
  try {
    let length = 0
    for (;;) {
      const read = readSync(descriptor, content, length, content.length - length, null)
      length += read
      if (read === 0 || length === content.length) break
    }
    closeSync(descriptor)
    return firstLine(content.subarray(0, length))
  } catch (error) {
    throw new X0tError('KEY_PASSPHRASE_NEEDED', `file descriptor ${descriptor} gives no passphrase`, {
      cause: error,
      hint: `for example ${descriptor}< <(command)`,
      exitCode: 2,
    })
  } finally {
    content.fill(0)
  }
}

function firstLine(content: Buffer): string {
  const [line = ''] = content.toString('utf8').split('\n')
  return line.replace(/\r$/, '')
}

interface Terminal {
  setRawMode(raw: boolean): unknown
}

/**
 * Asks on the terminal, without echo.
 * @throws X0tError KEY_PASSPHRASE_NEEDED without a terminal, INTERRUPTED on Ctrl-C
 */
export async function askPassphrase(streams: Streams, prompt: string): Promise<string> {
  const { stdin, stderr } = streams
  if (stdin.isTTY !== true || !('setRawMode' in stdin))
    throw new X0tError('KEY_PASSPHRASE_NEEDED', 'a passphrase is needed and there is no terminal to ask on', {
      hint: 'use --passphrase-file or --passphrase-fd',
      exitCode: 2,
    })
  const terminal = stdin as typeof stdin & Terminal
  stderr.write(prompt)
  terminal.setRawMode(true)
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const bytes: number[] = []
  const onData = (chunk: Buffer | string): void => {
    for (const byte of Buffer.from(chunk)) {
      if (byte === 0x03) return reject(new X0tError('INTERRUPTED', 'interrupted', { exitCode: 130 }))
      if (byte === 0x0d || byte === 0x0a || byte === 0x04) return resolve(Buffer.from(bytes).toString('utf8'))
      if (byte === 0x15) bytes.length = 0
      else if (byte === 0x7f || byte === 0x08) dropCharacter(bytes)
      else if (byte >= 0x20 && bytes.length < maxPassphraseBytes) bytes.push(byte)
    }
  }
  const onEnd = (): void => resolve(Buffer.from(bytes).toString('utf8'))
  stdin.on('data', onData).once('end', onEnd)
  stdin.resume()
  try {
    return await promise
  } finally {
    stdin.removeListener('data', onData).removeListener('end', onEnd)
    stdin.pause()
    terminal.setRawMode(false)
    stderr.write('\n')
    bytes.fill(0)
  }
}

/** Takes the last character away, all bytes of it in UTF-8. */
function dropCharacter(bytes: number[]): void {
  let last = bytes.pop()
  while (last !== undefined && (last & 0xc0) === 0x80) last = bytes.pop()
}

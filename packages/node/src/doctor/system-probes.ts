import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { open, readdir, readFile, stat, statfs } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { release } from 'node:os'
import { dirname } from 'node:path'
import { createSecureContext } from 'node:tls'
import { hasCode } from '@x0t/core'
import type { Endpoint } from '../config/endpoint.ts'
import type { HostProbes } from './host-probes.ts'
import { ffiProblem, readKernelClock, readUdpOffload } from './native-probes.ts'

/** This machine. `svidNotAfterMs` reads the node's certificate, which only the caller knows how to find. */
export function systemProbes({ svidNotAfterMs }: Pick<HostProbes, 'svidNotAfterMs'>): HostProbes {
  return {
    uid: process.getuid?.() ?? -1,
    nodeVersion: process.versions.node,
    kernelRelease: release(),
    wallMs: Date.now(),
    readText: (path) => readFile(path, 'utf8').catch(() => undefined),
    async facts(path) {
      try {
        const found = await stat(path)
        const kind = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : 'other'
        return { kind, mode: found.mode & 0o7777, uid: found.uid, modifiedMs: found.mtimeMs }
      } catch (error) {
        if (hasCode(error, 'ENOENT') || hasCode(error, 'ENOTDIR')) return undefined
        throw error
      }
    },
    list: (path) => readdir(path).catch(() => []),
    async openError(path) {
      try {
        await using file = await open(path, 'r+')
        return void file
      } catch (error) {
        return codeOf(error)
      }
    },
    bindError,
    socketAnswers,
    freeDiskBytes,
    availableMemoryBytes: () => process.availableMemory(),
    ffiProblem,
    missingAlgorithms: async () => missingAlgorithms(),
    clock: async () => ((await ffiProblem()) === undefined ? readKernelClock() : undefined),
    udpOffload: async () => ((await ffiProblem()) === undefined ? readUdpOffload() : undefined),
    serviceState,
    svidNotAfterMs,
    programBuiltMs: async () => (await stat(import.meta.filename)).mtimeMs,
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN'
}

/** Binds the address for a moment, as the node would. */
async function bindError(transport: 'tcp' | 'udp', { host, port }: Endpoint): Promise<string | undefined> {
  const ipv6 = host.includes(':')
  try {
    if (transport === 'tcp') {
      const server = createServer()
      server.listen({ host, port, ipv6Only: ipv6, exclusive: true })
      await once(server, 'listening')
      server.close()
    } else {
      const socket = createSocket({ type: ipv6 ? 'udp6' : 'udp4', ipv6Only: ipv6 })
      socket.bind({ address: host, port, exclusive: true })
      await once(socket, 'listening').finally(() => socket.close())
    }
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

async function socketAnswers(path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(1000) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function freeDiskBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path)
    return bavail * bsize
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || path === dirname(path)) throw error
    return freeDiskBytes(dirname(path))
  }
}

function missingAlgorithms(): string[] {
  const missing: string[] = []
  const needs = (name: string, attempt: () => unknown): void => {
    try {
      attempt()
    } catch {
      missing.push(name)
    }
  }
  needs('X25519MLKEM768', () => createSecureContext({ ecdhCurve: 'X25519MLKEM768' }))
  needs('ML-DSA-65 in TLS', () => createSecureContext({ sigalgs: 'mldsa65' }))
  needs('ML-KEM-768', () => generateKeyPairSync('ml-kem-768'))
  needs('ML-DSA-65', () => generateKeyPairSync('ml-dsa-65'))
  return missing
}

async function serviceState(): Promise<Readonly<Record<string, string>> | undefined> {
  if ((await stat('/run/systemd/system').catch(() => undefined)) === undefined) return undefined
  const properties = 'LoadState,ActiveState,UnitFileState,Result'
  const text = await new Promise<string>((resolve) => {
    execFile('systemctl', ['show', 'x0t.service', '-p', properties], { timeout: 5000 }, (_, stdout) =>
      resolve(stdout),
    )
  })
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  )
}

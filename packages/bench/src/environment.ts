import { readFile } from 'node:fs/promises'
import { arch, availableParallelism, cpus, release, totalmem } from 'node:os'

/** The stand that a figure belongs to. */
export interface Environment {
  readonly versions: Readonly<Record<string, string>>
  readonly cores: number
  readonly kernel: string
  readonly cpu: string
  readonly arch: string
  readonly memoryMiB: number
  readonly congestionControl: string
  /** Load average over one minute before the run: other work on the machine falsifies figures. */
  readonly loadBefore: number
}

/** Describes this machine. `versions` are those of the programs that take part. */
export async function describeEnvironment(versions: Readonly<Record<string, string>>): Promise<Environment> {
  const read = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
  const [congestion, load] = await Promise.all([
    read('/proc/sys/net/ipv4/tcp_congestion_control'),
    read('/proc/loadavg'),
  ])
  return {
    versions: { node: process.versions.node, openssl: process.versions.openssl, ...versions },
    cores: availableParallelism(),
    kernel: release(),
    cpu: cpus()[0]?.model ?? 'unknown',
    arch: arch(),
    memoryMiB: Math.round(totalmem() / 2 ** 20),
    congestionControl: congestion.trim(),
    loadBefore: Number.parseFloat(load) || 0,
  }
}

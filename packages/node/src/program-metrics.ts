import { messageOf, type Log } from '@x0t/core'
import type { BpfBackend, MetricContext, PinnedObject, ProgramManifest } from '@x0t/bpf'
import { formatProgramMetrics, type ReadMetric } from './program-metrics-text.ts'

/** What reading the metrics of pinned programs reaches of the outside world. */
export interface ProgramMetricsPorts {
  /** Everything that is pinned. */
  readPins(): Promise<readonly PinnedObject[]>
  /** What x0t knows of the programs it ships, by name. */
  readManifests(): Promise<Readonly<Record<string, ProgramManifest>>>
  openBackend(): Promise<Pick<BpfBackend, 'openMap'>>
  readonly context: () => MetricContext | Promise<MetricContext>
  readonly log: Pick<Log, 'warn'>
}

/**
 * Metrics of the programs that `x0t bpf` has loaded and pinned, whoever did, in the text format of Prometheus; empty where
 * there are none. An object whose maps cannot be read is left out, and told of once.
 */
export function programMetrics(ports: ProgramMetricsPorts): () => Promise<string> {
  const told = new Set<string>()
  const warnOnce = (object: string, error: unknown): void => {
    const reason = messageOf(error)
    if (told.has(`${object} ${reason}`)) return
    told.add(`${object} ${reason}`)
    ports.log.warn('bpf-metrics-unread', { object, reason })
  }
  return async () => {
    try {
      const pinned = (await ports.readPins()).filter(({ state }) => state === 'loaded')
      if (pinned.length === 0) return ''
      const manifests = Object.values(await ports.readManifests())
      const backend = await ports.openBackend()
      const context = await ports.context()
      const found: ReadMetric[] = []
      for (const object of pinned) {
        const manifest = manifests.find(({ programs }) => isObjectOf(object, programs))
        if (manifest === undefined) continue
        try {
          found.push(...(await readObject(object, manifest, backend, context)))
        } catch (error) {
          warnOnce(object.name, error)
        }
      }
      return formatProgramMetrics(found)
    } catch (error) {
      // No privilege, no BTF: the node runs on without these metrics.
      warnOnce('', error)
      return ''
    }
  }
}

/** Objects may be pinned under any name; their programs tell what they are. */
function isObjectOf({ programs }: PinnedObject, known: ProgramManifest['programs']): boolean {
  return programs.some(({ name }) => Object.hasOwn(known, name))
}

async function readObject(
  { maps }: PinnedObject,
  { metrics }: ProgramManifest,
  backend: Pick<BpfBackend, 'openMap'>,
  context: MetricContext,
): Promise<readonly ReadMetric[]> {
  const { readMetric } = await import('@x0t/bpf')
  const found: ReadMetric[] = []
  for (const metric of metrics) {
    const pin = maps.find(({ name }) => name === metric.map)
    if (pin === undefined) continue
    using map = await backend.openMap({ pin: pin.path })
    found.push({ metric, samples: readMetric(metric, map, context) })
  }
  return found
}

/** The ports of this machine. */
export function systemProgramMetrics(log: Pick<Log, 'warn'>): ProgramMetricsPorts {
  const enums = new Map<string, ReadonlyMap<number, string>>()
  return {
    log,
    async readPins() {
      const { defaultPinRoot, readPins } = await import('@x0t/bpf')
      return readPins(defaultPinRoot)
    },
    async readManifests() {
      return (await import('@x0t/bpf')).readProgramManifests()
    },
    async openBackend() {
      return (await import('@x0t/bpf')).openNativeBackend()
    },
    async context() {
      const { kernelEnum } = await import('@x0t/bpf')
      return {
        nowNs: process.hrtime.bigint(),
        kernelEnum(name) {
          // A search through all types of the kernel, whose answer does not change.
          const names = enums.get(name) ?? kernelEnum(name)
          enums.set(name, names)
          return names
        },
      }
    },
  }
}

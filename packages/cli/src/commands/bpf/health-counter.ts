import { X0tError } from '@x0t/core'
import type { HealthCheck, PinnedObject } from '@x0t/bpf'
import type { Kernel } from './kernel.ts'

/**
 * A check by a counter: healthy once it is above what it was at first.
 * @param text `MAP`: the sum of all numbers in it; `MAP:FIELD=VALUE`: of the entries that fit
 * @throws X0tError BPF_MAP_NOT_FOUND, BPF_FILTER_INVALID
 */
export async function counterGrows(kernel: Kernel, object: PinnedObject, text: string): Promise<HealthCheck> {
  const { parseFilter, readRows, chooseRows } = await import('@x0t/bpf')
  const colon = text.indexOf(':')
  const name = colon < 0 ? text : text.slice(0, colon)
  const filters = colon < 0 ? [] : [parseFilter(text.slice(colon + 1))]
  const pin = object.maps.find((map) => map.name === name)
  if (pin === undefined)
    throw new X0tError('BPF_MAP_NOT_FOUND', `${object.name} has no map ${name}`, {
      hint: `there are: ${object.maps.map((map) => map.name).join(', ')}`,
      exitCode: 2,
    })
  const read = async (): Promise<number> => {
    using map = await kernel.backend.openMap({ pin: pin.path })
    return chooseRows(readRows(map), { filters }).reduce((total, { value }) => total + numbersIn(value), 0)
  }
  const first = await read()
  return async () => (await read()) > first
}

function numbersIn(value: unknown): number {
  if (typeof value === 'number' || typeof value === 'bigint') return Number(value)
  if (typeof value !== 'object' || value === null) return 0
  return Object.values(value).reduce<number>((total, inner) => total + numbersIn(inner), 0)
}

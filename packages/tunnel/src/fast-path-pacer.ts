import { hasCode, messageOf, X0tError } from '@x0t/core'
import type { FastPathHost } from './fast-path-host.ts'

/**
 * The pair of interfaces round which the metronome's token runs. A token bucket filter at the near end holds it back for one
 * tick each time; at the far end the program meets it.
 */
export interface Pacer extends AsyncDisposable {
  readonly near: string
  readonly nearIfindex: number
  readonly far: string
  readonly farIfindex: number
}

/** Interfaces of all pacers begin with this; nothing else is to be attached to them. */
export const pacerPrefix = 'x0t-pace'
/** Ethernet, IPv6, UDP and datagram header of a probe: TOKEN_BYTES of the program. */
const tokenBytes = 14 + 40 + 8 + 48
/** Local experimental ethertype (IEEE 802), which the program knows the token by. */
const tokenEthertype = 0x88b5
/** Nodes with a pacer in one network namespace. */
const maxPairs = 8

/** The frame to start the metronome with. */
export function tokenFrame(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(tokenBytes)
  new DataView(bytes.buffer).setUint16(12, tokenEthertype)
  return bytes
}

/**
 * Makes the pair, or takes that of an earlier process of the same `owner`.
 * @throws X0tError FAST_PATH_NO_PACER
 */
export async function openPacer(
  host: FastPathHost,
  { owner, tickMs }: { readonly owner: string; readonly tickMs: number },
): Promise<Pacer> {
  try {
    const [near, far] = await pairFor(host, owner)
    for (const name of [near, far])
      await ip(host, 'link', 'set', 'dev', name, 'addrgenmode', 'none', 'arp', 'off', 'multicast', 'off')
    const rate = `${Math.ceil((tokenBytes * 8 * 1000) / tickMs)}bit`
    // One token fits, and none beside it.
    const bucket = ['burst', String(tokenBytes + 16), 'limit', String(8 * tokenBytes)]
    await host.run('tc', ['qdisc', 'replace', 'dev', near, 'root', 'tbf', 'rate', rate, ...bucket])
    for (const name of [near, far]) await ip(host, 'link', 'set', 'dev', name, 'up')
    return {
      near,
      nearIfindex: (await lookUp(host, near))!.ifindex,
      far,
      farIfindex: (await lookUp(host, far))!.ifindex,
      [Symbol.asyncDispose]: async () => {
        // With its namespace it may be gone already.
        if ((await lookUp(host, near)) !== undefined) await ip(host, 'link', 'delete', 'dev', near)
      },
    }
  } catch (error) {
    throw new X0tError('FAST_PATH_NO_PACER', `no clock for the kernel's probes: ${messageOf(error)}`, {
      cause: error,
      hint: 'it takes iproute2 (ip, tc), CAP_NET_ADMIN, veth and the token bucket filter (modprobe veth sch_tbf)',
    })
  }
}

async function pairFor(host: FastPathHost, owner: string): Promise<readonly [string, string]> {
  const alias = `x0t ${owner}`
  for (let pair = 0; pair < maxPairs; pair++) {
    const [near, far] = [`${pacerPrefix}${2 * pair}`, `${pacerPrefix}${2 * pair + 1}`] as const
    const present = await lookUp(host, near)
    if (present === undefined) {
      await ip(host, 'link', 'add', near, 'type', 'veth', 'peer', 'name', far)
      await ip(host, 'link', 'set', 'dev', near, 'alias', alias)
      return [near, far]
    }
    if (present.alias === alias) return [near, far]
  }
  throw new Error(`${maxPairs} pairs named ${pacerPrefix}… are there already`)
}

async function lookUp(
  host: FastPathHost,
  name: string,
): Promise<{ readonly ifindex: number; readonly alias: string | undefined } | undefined> {
  let text: string
  try {
    text = await ip(host, '-json', 'link', 'show', 'dev', name)
  } catch (error) {
    if (/does not exist|Cannot find device/.test(messageOf(error)) && !hasCode(error, 'ENOENT'))
      return undefined
    throw error
  }
  const [found] = JSON.parse(text) as readonly { readonly ifindex: number; readonly ifalias?: string }[]
  return found === undefined ? undefined : { ifindex: found.ifindex, alias: found.ifalias }
}

function ip(host: FastPathHost, ...args: readonly string[]): Promise<string> {
  return host.run('ip', args)
}

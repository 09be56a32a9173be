import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { linksOf } from '@x0t/testbed'
import type { BedTools } from '../bed-tools.ts'
import { numberedAddress, type PreparedHosts } from './prepared-hosts.ts'

/** TCP port of the meta connections, and UDP port of the datagrams. */
export const tincPort = 655

/**
 * tinc 1.0 in router mode on every host of a bed, each connected to its neighbours only.
 * @param settings further lines of every tinc.conf
 */
export async function prepareTinc(tools: BedTools, settings: readonly string[] = []): Promise<PreparedHosts> {
  const { plan } = tools.bed
  const hosts = plan.hosts.map(({ name }) => name)
  const addressOf = (host: string): string => numberedAddress('172.29', hosts.indexOf(host))
  const folderOf = (host: string): string => join(tools.folder(host), 'tinc')
  const cards = new Map<string, string>()
  for (const host of hosts) {
    await mkdir(join(folderOf(host), 'hosts'), { recursive: true, mode: 0o700 })
    const neighbours = linksOf(plan, host).map(({ other }) => other.host)
    await writeFile(join(folderOf(host), 'tinc.conf'), tincConfig(host, neighbours, settings))
    await tools.bed.run(['tincd', '-c', folderOf(host), '-K', '2048'], { input: '\n\n' })
    cards.set(host, await readFile(join(folderOf(host), 'hosts', host), 'utf8'))
  }
  for (const host of hosts) {
    const addresses = new Map(linksOf(plan, host).map(({ other }) => [other.host, other.ipv4]))
    for (const [other, card] of cards) {
      const near = addresses.get(other)
      const known = near === undefined ? [] : [`Address = ${near}`]
      const lines = [...known, `Subnet = ${addressOf(other)}/32`, card]
      await writeFile(join(folderOf(host), 'hosts', other), `${lines.join('\n')}\n`)
    }
  }
  return {
    addressOf,
    async startHost(host) {
      const pidFile = join(folderOf(host), 'pid')
      await rm(pidFile, { force: true }) // of one that was killed
      const words = ['tincd', '-c', folderOf(host), '-D', '-d1', `--pidfile=${pidFile}`]
      const daemon = await tools.daemon(host, 'tinc', words)
      await tools.until(`tinc0 on ${host}`, async () => {
        return (await tools.run(host, ['ip', 'link', 'show', 'tinc0'], { allowFailure: true })).exitCode === 0
      })
      await tools.run(host, ['ip', 'address', 'add', `${addressOf(host)}/16`, 'dev', 'tinc0'])
      await tools.run(host, ['ip', 'link', 'set', 'tinc0', 'up', 'txqueuelen', '1000'])
      return [daemon]
    },
  }
}

/** Text of a tinc.conf. */
export function tincConfig(host: string, neighbours: readonly string[], settings: readonly string[]): string {
  const lines = [
    `Name = ${host}`,
    'Mode = router',
    'Interface = tinc0',
    'AddressFamily = ipv4',
    ...settings,
    ...neighbours.map((name) => `ConnectTo = ${name}`),
  ]
  return `${lines.join('\n')}\n`
}

import { mkdir, writeFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ProcessIdentity } from '@x0t/testbed'
import { versionOf, type Tunnel } from '../tunnel.ts'

/** tinc 1.0 in router mode with its default ciphers; it relays through its neighbours by itself. */
export const tinc: Tunnel = {
  name: 'tinc',
  programs: [{ program: 'tincd', package: 'tinc' }],
  setup: 'tinc: router mode, default cipher and digest, RSA 2048, path-MTU discovery on; relays by itself',
  mostRelays: 8,
  version: (run) => versionOf(run, ['tincd', '--version'], 'tinc'),
  async start(lab) {
    const address = (at: number): string => `172.29.0.${at + 1}`
    const folderOf = (host: string): string => join(lab.folder(host), 'tinc')
    const cards = new Map<string, string>()
    for (const [at, host] of lab.hosts.entries()) {
      await mkdir(join(folderOf(host), 'hosts'), { recursive: true, mode: 0o700 })
      const neighbours = [lab.hosts[at - 1], lab.hosts[at + 1]].filter((name) => name !== undefined)
      const config = [
        `Name = ${host}`,
        'Mode = router',
        'Interface = tinc0',
        'AddressFamily = ipv4',
        ...neighbours.map((name) => `ConnectTo = ${name}`),
      ]
      await writeFile(join(folderOf(host), 'tinc.conf'), `${config.join('\n')}\n`)
      await lab.bed.run(['tincd', '-c', folderOf(host), '-K', '2048'], { input: '\n\n' })
      cards.set(host, await readFile(join(folderOf(host), 'hosts', host), 'utf8'))
    }
    const daemons: ProcessIdentity[] = []
    for (const [at, host] of lab.hosts.entries()) {
      for (const [other, card] of cards) {
        const there = lab.hosts.indexOf(other)
        const link = lab.links[Math.min(at, there)]
        const near = Math.abs(there - at) === 1 && link !== undefined
        const known = near ? [`Address = ${there < at ? link.a.ipv4 : link.b.ipv4}`] : []
        const lines = [...known, `Subnet = ${address(there)}/32`, card]
        await writeFile(join(folderOf(host), 'hosts', other), `${lines.join('\n')}\n`)
      }
      const pidFile = join(folderOf(host), 'pid')
      daemons.push(
        await lab.daemon(host, 'tinc', ['tincd', '-c', folderOf(host), '-D', '-d1', `--pidfile=${pidFile}`]),
      )
      await lab.until(`tinc0 on ${host}`, async () => {
        return (await lab.run(host, ['ip', 'link', 'show', 'tinc0'], { allowFailure: true })).exitCode === 0
      })
      await lab.run(host, ['ip', 'address', 'add', `${address(at)}/24`, 'dev', 'tinc0'])
      await lab.run(host, ['ip', 'link', 'set', 'tinc0', 'up', 'txqueuelen', '1000'])
    }
    return { target: address(lab.hosts.length - 1), daemons }
  },
}

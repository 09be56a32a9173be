import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { TestMesh } from './test-mesh.ts'

const sides = ['a', 'b'] as const
const namespaceOf = (side: string): string => `x0tlp-${process.pid}-${side}`

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}

function canMakeNamespaces(): true | string {
  try {
    ip('netns', 'add', namespaceOf('probe'))
    ip('netns', 'del', namespaceOf('probe'))
    return true
  } catch (error) {
    return `no network namespaces here: ${error instanceof Error ? error.message.split('\n', 1)[0] : ''}`
  }
}

/** Two namespaces joined by a cable, 10.78.0.1 and 10.78.0.2. */
function openNetwork(): Disposable {
  for (const side of sides) ip('netns', 'add', namespaceOf(side))
  const [a, b] = sides.map(namespaceOf) as [string, string]
  ip('link', 'add', 'x0tlp0', 'netns', a, 'type', 'veth', 'peer', 'name', 'x0tlp0', 'netns', b)
  for (const [i, side] of sides.entries()) {
    const inside = ['-n', namespaceOf(side)]
    ip(...inside, 'addr', 'add', `10.78.0.${i + 1}/24`, 'dev', 'x0tlp0')
    ip(...inside, 'link', 'set', 'x0tlp0', 'up')
    ip(...inside, 'route', 'add', '224.0.0.0/4', 'dev', 'x0tlp0')
  }
  return {
    [Symbol.dispose]() {
      for (const side of sides) ip('netns', 'del', namespaceOf(side))
    },
  }
}

const capability = canMakeNamespaces()
const skip = capability === true || process.env.CI === 'true' ? false : capability

t.test('two nodes in one network find each other by mDNS alone', { skip }, async (t) => {
  using network = openNetwork()
  t.ok(network)
  const { authority } = new TestMesh()
  const children: ChildProcess[] = sides.map((side) =>
    spawn(
      'ip',
      [
        'netns',
        'exec',
        namespaceOf(side),
        process.execPath,
        '--disable-warning=ExperimentalWarning',
        `${import.meta.dirname}/mdns-node.ts`,
      ],
      { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] },
    ),
  )
  try {
    const reports = children.map(async (child, i) => {
      child.send({
        seed: Buffer.from(authority.seed).toString('base64'),
        certificate: Buffer.from(authority.certificateDer).toString('base64'),
        host: ['0.0.0.0', '10.78.0.2'][i],
      })
      const [report] = (await once(child, 'message')) as [{ self: string; neighbour: string; text: string }]
      return report
    })
    const [a, b] = await Promise.all(reports)
    t.equal(a?.neighbour, b?.self)
    t.equal(b?.neighbour, a?.self)
    t.same([a?.text, b?.text], ['found you', 'found you'])
  } finally {
    for (const child of children) {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  }
})

import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { programPath } from '@x0t/bpf'
import { runCli } from '../run-cli.ts'
import { addVeth, run } from './separate-process.ts'

const bpf = async (...words: string[]): ReturnType<typeof runCli> => runCli(['bpf', ...words])
const well = async (t: Test, ...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await bpf(...words)
  t.equal(code, 0, `${words.join(' ')}: ${stderr}`)
  return stdout
}
interface Test {
  equal(found: unknown, wanted: unknown, message: string): unknown
}

addVeth('a0', 'a1')
run('ip', 'addr', 'add', '10.7.7.1/24', 'dev', 'a0')
// Frames from a1 reach a0 at once, without questions for the address.
run('ip', 'addr', 'add', '10.7.8.1/24', 'dev', 'a1')
run('ip', 'neigh', 'add', '10.7.8.2', 'lladdr', '02:00:00:00:00:99', 'dev', 'a1')
const sendToA0 = (): void => void run('sh', '-c', 'ping -c 3 -i 0.2 -W 0.2 -I a1 10.7.8.2 >/dev/null || true')
/** Packets that a guard saw, whatever it decided. */
const seenBy = async (object: string): Promise<number> => {
  const { entries } = JSON.parse((await bpf('dump', `${object}/x0t_guard_packets`, '--json')).stdout) as {
    readonly entries: readonly { readonly value: number }[]
  }
  return entries.reduce((sum, { value }) => sum + value, 0)
}

t.test('XDP programs in a chain all see the packets, in their order, and leave it one by one', async (t) => {
  await well(t, 'load', 'guard')
  await well(t, 'load', 'guard', '--as', 'guard2')
  await well(t, 'attach', 'guard', '--interface', 'a0', '--priority', '20')
  t.match(
    await well(t, 'attach', 'guard2', '--interface', 'a0', '--priority', '10', '--proceed-on', 'pass,tx'),
    /chain of a0 xdp, 2 programs/,
  )
  t.match(
    await well(t, 'list'),
    /guard +x0t_guard +\d+ +xdp +a0 xdp \(chain, priority 20\)[^]*guard2 +x0t_guard +\d+ +xdp +a0 xdp \(chain, priority 10\)/,
  )
  sendToA0()
  t.ok((await seenBy('guard2')) > 0, 'the first of the chain sees packets')
  t.ok((await seenBy('guard')) > 0, 'and so does the second')

  // guard2 no longer goes on after a pass: the packets end with it.
  await well(t, 'attach', 'guard2', '--interface', 'a0', '--priority', '10', '--proceed-on', 'tx')
  const [firstNow, secondNow] = [await seenBy('guard'), await seenBy('guard2')]
  sendToA0()
  t.equal(await seenBy('guard'), firstNow, 'the second sees nothing when the first does not proceed')
  t.ok((await seenBy('guard2')) > secondNow)

  t.match(await well(t, 'detach', 'guard2'), /from the chain of a0 xdp/)
  const alone = await seenBy('guard2')
  sendToA0()
  t.ok((await seenBy('guard')) > firstNow, 'the other has the interface again')
  t.equal(await seenBy('guard2'), alone)
  t.match(await bpf('detach', 'guard2'), { code: 1, stderr: /BPF_NOT_ATTACHED/ })
  t.match(await bpf('unload', 'chain'), { code: 1, stderr: /BPF_CHAIN_IN_USE/ })
  await well(t, 'unload', 'guard')
  t.notMatch(
    run('ip', 'link', 'show', 'dev', 'a0'),
    /xdp/,
    'the chain is off the interface with its last program',
  )
  await well(t, 'unload', 'guard2')
  t.match(await well(t, 'list'), /nothing is loaded/)
})

t.test('a program that has the interface for itself is joined there, and sees what it saw', async (t) => {
  await well(t, 'load', 'guard')
  await well(t, 'load', 'guard', '--as', 'guard2')
  t.match(await well(t, 'attach', 'guard', '--interface', 'a0'), /guard\/x0t_guard@a0-xdp/)
  t.match(await bpf('attach', 'guard2', '--interface', 'a0'), {
    code: 1,
    stderr: /BPF_BUSY[^]*attach it with --priority/,
  })
  t.match(
    await well(t, 'attach', 'guard2', '--interface', 'a0', '--priority', '10'),
    /chain of a0 xdp, 2 programs/,
  )
  t.match(await well(t, 'list'), /a0 xdp \(chain, priority 800\)[^]*a0 xdp \(chain, priority 10\)/)
  const [first, second] = [await seenBy('guard2'), await seenBy('guard')]
  sendToA0()
  t.ok((await seenBy('guard2')) > first)
  t.ok((await seenBy('guard')) > second)
  await well(t, 'unload', 'guard')
  await well(t, 'unload', 'guard2')
  t.notMatch(run('ip', 'link', 'show', 'dev', 'a0'), /xdp/)
})

t.test('an XDP program of someone else is named, and stays', async (t) => {
  run('bpftool', 'prog', 'load', programPath('gen'), '/sys/fs/bpf/foreign', 'type', 'xdp')
  run('bpftool', 'net', 'attach', 'xdp', 'pinned', '/sys/fs/bpf/foreign', 'dev', 'a0')
  const { id } = JSON.parse(run('bpftool', '--json', 'prog', 'show', 'pinned', '/sys/fs/bpf/foreign')) as {
    readonly id: number
  }
  await well(t, 'load', 'guard')
  t.match(await bpf('attach', 'guard', '--interface', 'a0'), {
    code: 1,
    stderr: new RegExp(
      `BPF_BUSY: program ${id} \\(x0t_gen, native\\) is on a0 already[^]*x0t bpf show ${id}`,
    ),
  })
  t.match(await bpf('attach', 'guard', '--interface', 'a0', '--priority', '1'), {
    code: 1,
    stderr: /BPF_BUSY/,
  })
  t.match(await well(t, 'show', String(id)), /x0t_gen[^]*pins +\/sys\/fs\/bpf\/foreign/)
  t.match(await well(t, 'list', '--all'), /x0t_gen/)
  t.match(run('ip', 'link', 'show', 'dev', 'a0'), new RegExp(`prog/xdp id ${id}`))
  run('bpftool', 'net', 'detach', 'xdp', 'dev', 'a0')
  run('rm', '/sys/fs/bpf/foreign')
  // One of ours in the way is shared with, not taken off.
  await well(t, 'attach', 'guard', '--interface', 'a0')
  await well(t, 'load', 'guard', '--as', 'guard2')
  t.match(await bpf('attach', 'guard2', '--interface', 'a0'), { stderr: /BPF_BUSY[^]*--priority/ })
  await well(t, 'unload', 'guard2')
  await well(t, 'unload', 'guard')
  t.match(await well(t, 'list'), /nothing is loaded/)
})

t.test('tc programs stand in the order that was asked for', async (t) => {
  await well(t, 'load', 'flow')
  await well(t, 'load', 'flow', '--as', 'flow2')
  await well(t, 'load', 'flow', '--as', 'flow3')
  await well(t, 'attach', 'flow/x0t_flow_in', '--interface', 'a0')
  await well(t, 'attach', 'flow2/x0t_flow_in', '--interface', 'a0', '--before', 'flow/x0t_flow_in')
  await well(t, 'attach', 'flow3/x0t_flow_in', '--interface', 'a0', '--after', 'flow2/x0t_flow_in')
  const [{ tc }] = JSON.parse(run('bpftool', '--json', 'net', 'show', 'dev', 'a0')) as [
    { readonly tc: readonly { readonly prog_id: number }[] },
  ]
  const { objects } = JSON.parse(await well(t, 'list', '--json')) as {
    readonly objects: readonly {
      readonly name: string
      readonly programs: readonly { readonly name: string; readonly info: { readonly id: number } }[]
    }[]
  }
  const owner = (id: number): string =>
    objects.find(({ programs }) => programs.some(({ info }) => info.id === id))!.name
  // bpftool 7.1 knows no tcx; where it does, it shows the order.
  if (tc.length > 0)
    t.strictSame(
      tc.map(({ prog_id }) => owner(prog_id)),
      ['flow2', 'flow3', 'flow'],
    )
  t.match(await bpf('attach', 'flow/x0t_flow_out', '--interface', 'a0', '--before', '1', '--after', '2'), {
    code: 2,
  })
  t.match(await bpf('attach', 'flow/x0t_flow_out', '--interface', 'a0', '--before', 'none/x'), {
    code: 1,
    stderr: /BPF_NOT_LOADED/,
  })
  for (const name of ['flow', 'flow2', 'flow3']) await well(t, 'unload', name)
})

t.test('a replacement stays if it is healthy in time, and is rolled back if not', async (t) => {
  await well(t, 'load', 'flow')
  await well(t, 'load', 'flow', '--as', 'flow2')
  await well(t, 'attach', 'flow/x0t_flow_in', '--interface', 'a0')
  const swap = async (...words: string[]): ReturnType<typeof runCli> =>
    bpf('attach', 'flow2/x0t_flow_in', '--replace', 'flow/x0t_flow_in', ...words)
  t.match(await swap('--health-command', 'false', '--health-timeout', '300ms'), {
    code: 3,
    stdout: /ROLLED BACK/,
  })
  t.match(await swap('--health-command', 'sleep 60', '--health-timeout', '300ms'), {
    code: 3,
    stdout: /1 health check/,
  })
  // A program for what comes in counts nothing that goes out.
  t.match(await swap('--health-counter', 'x0t_flow_totals:key=1', '--health-timeout', '300ms'), { code: 3 })
  t.match(await bpf('list'), { stdout: /flow +x0t_flow_in +\d+ +sched_cls +a0 ingress/ })
  t.match(await swap('--health-counter', 'nothing'), { code: 2, stderr: /BPF_MAP_NOT_FOUND/ })
  t.match(await swap('--health-counter', 'x', '--health-command', 'y'), { code: 2 })
  const sending = spawn('ping', ['-i', '0.2', '-I', 'a1', '10.7.8.2'], { stdio: 'ignore' })
  t.teardown(() => sending.kill('SIGKILL'))
  t.match(await swap('--health-counter', 'x0t_flow_totals:key=0', '--health-timeout', '20s'), {
    code: 0,
    stdout: /replaced program/,
  })
  t.match(await bpf('attach', 'flow/x0t_flow_in', '--replace', 'flow2', '--health-command', 'true'), {
    code: 0,
    stdout: /replaced program/,
  })
  t.match(await bpf('list'), {
    stdout: /flow +x0t_flow_in +\d+ +sched_cls +a0 ingress[^]*flow2 +x0t_flow_in +\d+ +sched_cls +- /,
  })
  await well(t, 'unload', 'flow')
  await well(t, 'unload', 'flow2')
})

t.test('a manifest is applied, applied again, signed and checked', async (t) => {
  const folder = t.testdir({})
  const manifest = `${folder}/mesh.json`
  const objects = [
    {
      object: 'flow',
      attach: [
        { program: 'x0t_flow_in', interface: 'a0' },
        { program: 'x0t_flow_out', interface: 'a0' },
      ],
    },
    {
      name: 'wall',
      object: 'guard',
      globals: { guard_port: 4000 },
      attach: [{ program: 'x0t_guard', interface: 'a0', priority: 5 }],
    },
    { object: 'drops', attach: [{ program: 'x0t_drop' }] },
  ]
  writeFileSync(manifest, JSON.stringify({ objects }))
  t.match(
    await well(t, 'up', manifest),
    /loaded +flow[^]*loaded +wall[^]*attached +flow\/x0t_flow_in@a0-ingress[^]*attached +wall\/x0t_guard@a0-xdp[^]*attached +drops/,
  )
  const again = await well(t, 'up', manifest)
  t.match(again, /nothing to change/)
  t.notMatch(again, /^(loaded|replaced|attached|detached)/m)
  objects[1]!.globals = { guard_port: 4001 }
  objects[0]!.attach.pop()
  writeFileSync(manifest, JSON.stringify({ objects }))
  t.match(await well(t, 'up', manifest), /replaced +wall[^]*detached +flow\/x0t_flow_out@a0-egress/)
  t.match(await well(t, 'dump', 'wall/.rodata'), /4001/)

  // Signed: by a key of one's own, over the objects and this manifest.
  const key = async (name: string): Promise<void> => {
    const { code, stderr } = await runCli(['keygen', '--name', name, '--out', folder, '--no-passphrase'])
    t.equal(code, 0, stderr)
  }
  await key('alice')
  await key('mallory')
  const required = ['--require-signed', `${folder}/alice.pub`]
  t.match(await bpf('up', manifest, ...required), { code: 1, stderr: /BPF_SIGNATURE_MISSING/ })
  await well(t, 'sign', manifest, '--identity', `${folder}/alice.key`)
  t.match(await well(t, 'up', manifest, ...required), /nothing to change/)
  writeFileSync(manifest, `${readFileSync(manifest, 'utf8')} `)
  t.match(await bpf('up', manifest, ...required), {
    code: 1,
    stderr: /BPF_SIGNATURE_INVALID[^]*another manifest/,
  })

  const file = `${folder}/tally.bpf.o`
  writeFileSync(file, readFileSync(programPath('gen')))
  await well(t, 'sign', file, '--identity', `${folder}/mallory.key`)
  t.match(await bpf('load', file, ...required), { code: 1, stderr: /BPF_SIGNATURE_UNTRUSTED/ })
  await well(t, 'sign', file, '--identity', `${folder}/alice.key`, '--force')
  await well(t, 'load', file, ...required)
  await well(t, 'unload', 'tally')
  const bytes = readFileSync(file)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(file, bytes)
  t.match(await bpf('load', file, ...required), { code: 1, stderr: /BPF_SIGNATURE_INVALID/ })
  t.notMatch(await well(t, 'list'), /tally/)
  for (const name of ['flow', 'wall', 'drops']) await well(t, 'unload', name)
  t.match(await well(t, 'list'), /nothing is loaded/)
})

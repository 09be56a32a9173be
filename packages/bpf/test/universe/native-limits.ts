// Run by native.test.ts as root in namespaces of its own: kernels and processes that lack something, simulated.
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { openNativeBackend, openRingBuffer } from '@x0t/bpf'
import { parseElf } from '../../src/elf.ts'
import { createMap } from '../../src/create-map.ts'

const backend = openNativeBackend()
const path = (name: string): string => `${import.meta.dirname}/../objects/${name}.o`
const read = (name: string): Uint8Array => Uint8Array.from(readFileSync(path(name)))
const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer)

/** Runs a module in a process of its own; what it prints. */
function runModule(script: string, ...flags: readonly string[]): string {
  const words = [...process.execArgv, ...flags, '--input-type=module', '-e', script, path('kinds')]
  const { stdout, stderr } = spawnSync(process.execPath, words, {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  })
  t.equal(stderr, '')
  return stdout
}

t.test('on a kernel without BTF, programs that need it are refused, others not', async (t) => {
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/sys/kernel/btf'])
  t.teardown(() => execFileSync('umount', ['/sys/kernel/btf']))
  using traced = await backend.load(read('trace'))
  t.equal(traced.programs.size, 0)
  t.match(traced.refusals[0], { code: 'BPF_UNSUPPORTED', message: /no BTF/, hint: /CONFIG_DEBUG_INFO_BTF/ })
  using object = await backend.load(read('kinds'), { programs: ['dispatch'] })
  t.equal(object.programs.size, 1)
})

t.test('without bpffs there are no pins, and to pin says what to mount', async (t) => {
  execFileSync('umount', ['/sys/fs/bpf'])
  t.teardown(() => execFileSync('mount', ['-t', 'bpf', 'bpf', '/sys/fs/bpf']))
  using object = await backend.load(read('kinds'), { programs: ['dispatch'] })
  const { id } = object.programs.get('dispatch')!
  t.same((await backend.listPrograms()).find((program) => program.id === id)?.pins, [])
  t.throws(() => object.programs.get('dispatch')!.pin('/sys/fs/bpf/x'), {
    code: 'BPF_PIN_FAILED',
    hint: /mount -t bpf/,
  })
})

t.test('without node:ffi it is said what to use', (t) => {
  const script = `
    const { openNativeBackend } = await import('@x0t/bpf')
    try { openNativeBackend() } catch ({ code, hint }) { console.log(code, hint) }`
  t.match(runModule(script, '--no-experimental-ffi'), /^BPF_UNSUPPORTED .*bpftool/)
  // Without what measures coverage: that does things which are denied here too.
  const flags = ['--permission', '--allow-fs-read=*', '--no-warnings', '--input-type=module']
  const { stdout, stderr } = spawnSync('env', ['-i', process.execPath, ...flags, '-e', script], {
    encoding: 'utf8',
    cwd: import.meta.dirname,
  })
  t.match(stdout, /^BPF_NOT_PERMITTED .*--allow-ffi/, stderr)
  t.end()
})

t.test('an error of a listener is an uncaught exception, and events go on', (t) => {
  const script = `
    import { openNativeBackend } from '@x0t/bpf'
    import { readFileSync } from 'node:fs'
    using object = await openNativeBackend().load(readFileSync(process.argv[1]))
    const run = () => object.programs.get('count_packet').testRun(new Uint8Array(60))
    let count = 0
    const ended = Promise.withResolvers()
    process.on('uncaughtException', ({ message }) => {
      // The one who reads has gone.
      if (!message.startsWith('event')) process.exit(1)
      console.log(message)
      if (count === 1) run()
    })
    const watch = object.maps.get('events').onEvent(() => {
      if (++count === 2) ended.resolve()
      throw new Error('event ' + count)
    })
    run()
    await ended.promise
    watch[Symbol.dispose]()`
  t.equal(runModule(script), 'event 1\nevent 2\n')
  t.end()
})

t.test('where the event loop cannot watch a descriptor, a timer does', async (t) => {
  using object = await backend.load(read('kinds'), { programs: ['count_packet'] })
  const { promise, resolve } = Promise.withResolvers<number>()
  using buffer = openRingBuffer(
    object.maps.get('events')!,
    (event) => resolve(event.length),
    () => undefined,
  )
  object.programs.get('count_packet')!.testRun(new Uint8Array(60))
  t.equal(await promise, 8)
  t.equal(buffer.drain(), 0)
})

t.test('BTF that the kernel refuses is said with its words', async (t) => {
  const bytes = read('kinds')
  const section = parseElf(bytes).sections.find(({ name }) => name === '.BTF')!
  const view = new DataView(bytes.buffer, section.bytes.byteOffset)
  // The first integer of 4 bytes is made one of 3.
  let at = view.getUint32(4, true)
  while (((view.getUint32(at + 4, true) >>> 24) & 0x1f) !== 1) at += 4
  view.setUint32(at + 8, 3, true)
  await t.rejects(backend.load(bytes), {
    code: 'BPF_UNSUPPORTED',
    message: /BTF could not be loaded \(.*size=3/,
  })
})

t.test('maps that the kernel reads only one by one are read so', (t) => {
  const spec = { name: 'devices', type: 'devmap', keyBytes: 4, valueBytes: 4, maxEntries: 8, flags: 0 }
  using map = createMap(spec, { btf: -1, key: 0, value: 0 })
  map.set(u32(3), u32(1))
  t.same([...map.entries()], [[u32(3), u32(1)]])
  t.equal(map.types(), undefined)
  t.end()
})

t.test('a program of someone else on the interface is said to be there', async (t) => {
  execFileSync('ip', ['link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'])
  using object = await backend.load(read('kinds'))
  object.programs.get('dispatch')!.pin('/sys/fs/bpf/foreign')
  // By netlink, as ip and bpftool do: no link of the kernel that could be seen.
  execFileSync('bpftool', ['net', 'attach', 'xdp', 'pinned', '/sys/fs/bpf/foreign', 'dev', 'left'])
  t.throws(() => object.programs.get('count_packet')!.attach({ kind: 'xdp', interface: 'left' }), {
    code: 'BPF_BUSY',
    message: /another program is there/,
  })
  t.throws(
    () => object.programs.get('count_packet')!.attach({ kind: 'xdp', interface: 'lo', mode: 'native' }),
    {
      code: 'BPF_UNSUPPORTED',
      hint: /--mode generic/,
    },
  )
})

t.test('the example of the README runs', (t) => {
  const readme = readFileSync(`${import.meta.dirname}/../../README.md`, 'utf8')
  const [, example = ''] = /```ts\n([^]*?)```/.exec(readme) ?? []
  const words = [...process.execArgv, '--input-type=module-typescript', '-e', example]
  const output = execFileSync(process.execPath, words, { cwd: import.meta.dirname, encoding: 'utf8' })
  t.match(output, /^-1 \d+\n\[.*\{ packets: 1n, bytes: 64n \}/s)
  t.end()
})

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { runCli } from '../run-cli.ts'
import { addVeth, programIds } from './separate-process.ts'

const root = '/sys/fs/bpf/x0t'
const bpf = async (...words: string[]): ReturnType<typeof runCli> => runCli(['bpf', ...words])
const states = async (): Promise<unknown> => {
  const { objects } = JSON.parse((await bpf('list', '--json')).stdout) as {
    readonly objects: readonly { readonly name: string; readonly state: string }[]
  }
  return objects.map(({ name, state }) => `${name} ${state}`)
}
/** Ids of programs that are pinned; others on this machine load programs too. */
const pinned = async (): Promise<readonly number[]> => {
  const { objects } = JSON.parse((await bpf('list', '--json')).stdout) as {
    readonly objects: readonly { readonly programs: readonly { readonly info: { readonly id: number } }[] }[]
  }
  return objects.flatMap(({ programs }) => programs.map(({ info }) => info.id))
}
/** Those of them that are still there when the kernel has had time to free them. */
const left = async (ids: readonly number[]): Promise<readonly number[]> => {
  const present = (): number[] => ids.filter((id) => programIds().has(id))
  for (let look = 0; look < 100 && present().length > 0; look += 1) await sleep(50)
  return present()
}

t.test(
  'a load that is killed before any of its steps is listed as half loaded, and unload removes it',
  async (t) => {
    let ended = false
    let kills = 0
    for (let step = 1; !ended; step += 1) {
      const { signal, status, stderr } = spawnSync(
        process.execPath,
        [...process.execArgv, `${import.meta.dirname}/bpf-killed-load.ts`, 'flow', String(step)],
        { encoding: 'utf8' },
      )
      ended = signal === null
      if (ended) {
        t.equal(status, 0, stderr)
        t.strictSame(await states(), ['flow loaded'])
      } else {
        kills += 1
        t.equal(signal, 'SIGKILL')
        t.strictSame(await states(), ['flow loading'], `killed before step ${step}`)
        t.match(await bpf('list'), { stdout: /HALF LOADED[^]*x0t bpf unload flow removes it/ })
        t.match(await bpf('load', 'flow'), { code: 1, stderr: /BPF_HALF_DONE[^]*x0t bpf unload flow/ })
      }
      const ids = await pinned()
      t.match(await bpf('unload', 'flow'), { code: 0 })
      t.strictSame(await states(), [], `nothing is left of the load killed before step ${step}`)
      t.notOk(existsSync(root))
      t.strictSame(await left(ids), [])
    }
    // The folder, the load, 4 maps and 2 programs of flow.
    t.equal(kills, 8)
  },
)

t.test(
  'a chainable program that is killed takes nothing of the chain with it, and the chain goes too',
  async (t) => {
    spawnSync(process.execPath, [
      ...process.execArgv,
      `${import.meta.dirname}/bpf-killed-load.ts`,
      'guard',
      '3',
    ])
    t.strictSame(await states(), ['chain loaded', 'guard loading'])
    const ids = await pinned()
    t.match(await bpf('unload', 'guard'), { code: 0 })
    t.strictSame(await states(), [])
    t.strictSame(await left(ids), [])
  },
)

t.test(
  'half states of an unload: every prefix of the removals is listed, and finished by the next unload',
  async (t) => {
    addVeth('k0', 'k1')
    t.match(await bpf('load', 'flow'), { code: 0 })
    t.match(await bpf('attach', 'flow', '--interface', 'k0'), { code: 0 })
    // As if killed right after the rename; the links still run.
    renameSync(`${root}/flow`, `${root}/flow+unloading`)
    t.strictSame(await states(), ['flow unloading'])
    t.match(await bpf('show', 'flow'), { stdout: /HALF UNLOADED[^]*x0t_flow_in@k0-ingress/ })
    t.match(await bpf('attach', 'flow', '--interface', 'k1'), { code: 1, stderr: /BPF_HALF_DONE/ })
    // A load may go on meanwhile, and then both are there.
    t.match(await bpf('load', 'flow'), { code: 0 })
    t.strictSame(await states(), ['flow loaded', 'flow unloading'])
    const ids = await pinned()
    t.equal(ids.length, 4)
    t.match(await bpf('unload', 'flow'), { code: 0 })
    mkdirSync(`${root}/flow+loading/programs`, { recursive: true })
    t.strictSame(await states(), ['flow loading'], 'killed while it made its folders')
    t.match(await bpf('unload', 'flow'), { code: 0 })
    t.strictSame(await states(), [])
    t.strictSame(await left(ids), [])
  },
)

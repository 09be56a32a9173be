import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { withChainLock } from '../src/chain-lock.ts'

t.test('changes of chains come one after the other', async (t) => {
  const root = `${t.testdir()}/x0t`
  const steps: string[] = []
  const change = (name: string) =>
    withChainLock(root, async () => {
      steps.push(`${name} begins`)
      await delay(20)
      steps.push(`${name} ends`)
      return name
    })
  t.same(await Promise.all([change('a'), change('b')]), ['a', 'b'])
  const order = (one: string, other: string) => [
    `${one} begins`,
    `${one} ends`,
    `${other} begins`,
    `${other} ends`,
  ]
  t.same(steps, steps[0] === 'a begins' ? order('a', 'b') : order('b', 'a'))
})

t.test('a change that fails lets the next one in', async (t) => {
  const root = `${t.testdir()}/x0t`
  await t.rejects(
    withChainLock(root, async () => {
      throw new Error('in the midst of it')
    }),
    { message: 'in the midst of it' },
  )
  t.equal(await withChainLock(root, async () => 1), 1)
})

t.test('a process that holds the lock is waited for, and one that is killed holds none', async (t) => {
  const root = `${t.testdir()}/x0t`
  const program = `
    import { withChainLock } from ${JSON.stringify(`${import.meta.dirname}/../src/chain-lock.ts`)}
    await withChainLock(process.argv[1], () => new Promise((resolve) => {
      process.send('held')
      setTimeout(resolve, 60_000)
    }))`
  const holder = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', program, root],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  )
  await once(holder, 'message')
  await t.rejects(
    withChainLock(root, async () => {}, 50),
    { code: 'BPF_CHAIN_BUSY' },
  )
  const ended = once(holder, 'exit')
  holder.kill('SIGKILL')
  await ended
  t.equal(await withChainLock(root, async () => 1, 5000), 1)
})

t.test('where nothing was ever pinned there is nothing to lock', async (t) => {
  t.equal(await withChainLock(`${t.testdir()}/absent/x0t`, async () => 1), 1)
})

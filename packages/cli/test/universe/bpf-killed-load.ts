import { loadAndPin, openNativeBackend, readProgram } from '@x0t/bpf'

/** Loads the program named by the first argument, and is killed before the step numbered by the second. */
const [object = '', killedBefore = ''] = process.argv.slice(2)
let step = 0
await loadAndPin(openNativeBackend(), {
  root: '/sys/fs/bpf/x0t',
  name: object,
  object: await readProgram(object),
  chainFile: async () => readProgram('chain'),
  async onStep() {
    step += 1
    if (step !== Number(killedBefore)) return
    process.kill(process.pid, 'SIGKILL')
    // The signal ends this process before anything else is done.
    await new Promise(() => {})
  },
})

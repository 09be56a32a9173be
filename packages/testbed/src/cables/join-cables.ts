import { mkdir, readFile, rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { hasCode, messageOf, X0tError } from '@x0t/core'
import type { Bed } from '../bed.ts'
import { inNamespace, type Run } from '../run-command.ts'
import { cablesOf, middleNamespace } from './cable-plan.ts'
import type { JoinJob } from './join-program.ts'
import { pinFolder } from './switch-map.ts'

/** The program may take so long on a busy machine. */
const joinWithinMs = 60_000

/**
 * Loads the program of the cables and attaches it to all ends in the middle. From then on the links carry packets; maps
 * and attachments are pinned in a file system of the testbed's own, so they last until it is removed.
 * @throws X0tError TESTBED_CABLES_UNAVAILABLE
 */
export async function joinCables({ folder, plan, run, signal }: Bed): Promise<void> {
  const pins = pinFolder(folder)
  try {
    await mkdir(pins, { mode: 0o700 })
    await run(['mount', '-t', 'bpf', 'bpf', pins, '-o', 'mode=0700'], { signal })
    const interfaces = cablesOf(plan).flatMap(({ sides }) => sides.map((side) => side.interface))
    const job: JoinJob = { pins, interfaces }
    const program = fileURLToPath(new URL('./join-program.ts', import.meta.url))
    const argv = [process.execPath, '--disable-warning=ExperimentalWarning', program]
    // Programs are attached to interfaces of the namespace that the process is in.
    await run(inNamespace(middleNamespace(plan), argv), {
      input: JSON.stringify(job),
      signal,
      timeoutMs: joinWithinMs,
    })
    // With XDP a veth puts packets together again; in a cable each one is passed, or lost, by itself.
    const script = 'for device; do ethtool -K "$device" gro off || exit; done'
    await run(inNamespace(middleNamespace(plan), ['sh', '-c', script, 'sh', ...interfaces]), { signal })
  } catch (error) {
    if (signal.aborted || hasCode(error, 'TESTBED_TOOL_MISSING')) throw error
    throw new X0tError('TESTBED_CABLES_UNAVAILABLE', `the cables cannot be joined: ${messageOf(error)}`, {
      cause: error,
      hint: 'x0t bpf doctor tells what the kernel grants; --cables veth needs no program',
    })
  }
}

/** Removes pins and file system; does nothing where there are none. */
export async function removePins({ folder }: Pick<Bed, 'folder'>, run: Run): Promise<void> {
  const pins = pinFolder(folder)
  if (!(await readFile('/proc/self/mountinfo', 'utf8')).includes(` ${pins} `)) return
  // Another mount namespace may hold a copy of the mount: what is unlinked is gone there too.
  await rm(pins, { recursive: true, force: true }).catch(() => {})
  await run(['umount', pins])
}

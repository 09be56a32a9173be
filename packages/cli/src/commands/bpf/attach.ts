import { spawn } from 'node:child_process'
import type { Command } from 'commander'
import type { AttachRequest, AttachResult, HealthCheck, PinnedProgram } from '@x0t/bpf'
import { X0tError } from '@x0t/core'
import { exitCodes } from '../../exit-codes.ts'
import type { CommandContext } from '../../main.ts'
import { parseOption } from '../node/parse-option.ts'
import { counterGrows } from './health-counter.ts'
import { openKernel, withKernel, type Kernel, type KernelOptions } from './kernel.ts'
import { withPlace, type PlaceOptions } from './options.ts'

interface AttachOptions extends KernelOptions, PlaceOptions {
  readonly replace?: string
  readonly healthCommand?: string
  readonly healthCounter?: string
  readonly healthTimeout: string
}

export function registerAttach(bpf: Command, context: CommandContext): void {
  const command = bpf
    .command('attach')
    .description('attach a loaded program; of an object with several, all if they are of one kind')
    .argument('<program>', 'OBJECT/PROGRAM, or OBJECT')
    .option(
      '--replace <attachment>',
      'take the place of this one, atomically; back if the health check fails (exit code 3)',
    )
    .option('--health-command <command>', 'with --replace: healthy when this shell command ends with 0')
    .option('--health-counter <map:key>', 'with --replace: healthy when this counter of the new object grows')
    .option('--health-timeout <duration>', 'with --replace: so long to become healthy', '5s')
  withKernel(withPlace(command)).action(async (reference: string, options: AttachOptions) => {
    const kernel = await openKernel(options, context)
    if (options.replace !== undefined) return replace(kernel, reference, options, context)
    const { interface: device, direction, mode, cgroup, before, after, priority, proceedOn } = options
    const request = { interface: device, direction, mode, cgroup, before, after, priority, proceedOn }
    const { attachedView } = await import('../../views/bpf.ts')
    context.output().result({ attached: await attachAll(kernel, reference, request) }, attachedView)
  })
}

/** Attaches what the reference names. Of several programs all or none: the first failure takes the others off again. */
async function attachAll(
  kernel: Kernel,
  reference: string,
  request: AttachRequest,
): Promise<readonly AttachResult[]> {
  const { attachProgram, detachProgram } = await import('@x0t/bpf')
  const attached: AttachResult[] = []
  for (const program of await programsOf(kernel, reference)) {
    try {
      attached.push(await attachProgram(kernel.backend, program, request, kernel))
    } catch (error) {
      for (const done of attached) {
        const name = done.kind === 'link' ? done.name : done.program
        await detachProgram(kernel.backend, { ...kernel, reference: `${done.object}/${name}` })
      }
      throw error
    }
  }
  return attached
}

/** The program of `OBJECT/PROGRAM`; for `OBJECT` all of its programs, if one request can fit them. */
async function programsOf({ backend, root }: Kernel, reference: string): Promise<readonly PinnedProgram[]> {
  const { findPinned, findPinnedProgram, hookOf, infoOf, readPins } = await import('@x0t/bpf')
  const isObject = (await readPins(root)).some(({ name }) => name === reference)
  if (!isObject) return [await findPinnedProgram(root, reference)]
  const object = await findPinned(root, reference)
  const programs = object.programs.map((program) => ({ object, program }))
  const hooks = new Set<string | undefined>()
  for (const program of programs) hooks.add(hookOf((await infoOf(backend, program)).type))
  // Several XDP programs of one object are alternatives; so are programs of several kinds.
  if (programs.length < 2 || (hooks.size === 1 && !hooks.has('xdp'))) return programs
  throw new X0tError(
    'BPF_PROGRAM_NOT_FOUND',
    `${reference} has ${programs.length} programs of which not all fit together`,
    {
      hint: `name one: ${programs.map(({ program }) => `${reference}/${program.name}`).join(', ')}`,
      exitCode: 2,
    },
  )
}

async function replace(
  kernel: Kernel,
  reference: string,
  options: AttachOptions,
  context: CommandContext,
): Promise<void> {
  const { findPinnedProgram, replaceLink } = await import('@x0t/bpf')
  const { parseDurationMs } = await import('@x0t/node/config')
  const { replace: link = '', healthCommand, healthCounter, healthTimeout } = options
  if (healthCommand !== undefined && healthCounter !== undefined)
    throw new X0tError('USAGE', '--health-command and --health-counter exclude each other', { exitCode: 2 })
  const next = await findPinnedProgram(kernel.root, reference)
  const check: HealthCheck | undefined =
    healthCommand !== undefined
      ? commandSucceeds(healthCommand)
      : healthCounter !== undefined
        ? await counterGrows(kernel, next.object, healthCounter)
        : undefined
  const result = await replaceLink(kernel.backend, {
    root: kernel.root,
    link,
    next,
    timeoutMs: parseOption('--health-timeout', healthTimeout, parseDurationMs),
    everyMs: 100,
    signal: context.signal,
    monotonicMs: kernel.monotonicMs,
    wait: kernel.wait,
    ...(check === undefined ? {} : { check }),
  })
  const { replacedView } = await import('../../views/bpf.ts')
  context.output().result(result, replacedView)
  if (result.outcome === 'rolled-back') context.exitCode(exitCodes.wanting)
}

/** A check by a shell command; one that runs too long is ended and has failed. */
function commandSucceeds(command: string): HealthCheck {
  return async (signal) =>
    new Promise((resolve, reject) => {
      const child = spawn('/bin/sh', ['-c', command], { stdio: 'ignore', signal, killSignal: 'SIGKILL' })
      child.once('error', (error) => (signal.aborted ? resolve(false) : reject(error)))
      child.once('close', (code) => resolve(code === 0))
    })
}

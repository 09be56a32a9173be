import { z } from 'zod'

/**
 * How the hosts of a testbed are run, as data, so that a later command can start a crashed host again.
 * `none`: nothing runs. `argv`: any program; the words {host}, {home} and {neighbours} (addresses separated by
 * commas) are replaced. `x0t`: a real node; `command` starts the x0t command line, `settings` are settings of
 * the node by `section.key`.
 */
export const runnerSpecSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('argv'), argv: z.array(z.string()).min(1) }),
  z.strictObject({
    kind: z.literal('x0t'),
    command: z.array(z.string()).min(1),
    settings: z.record(z.string(), z.string()),
    /** Start the nodes so that their wall clocks can be moved, with libfaketime. */
    movableClock: z.boolean().optional(),
  }),
])

const endSchema = z.strictObject({
  host: z.string(),
  namespace: z.string().startsWith('x0t-'),
  interface: z.string(),
  index: z.int(),
  ipv4: z.string(),
  ipv6: z.string(),
})

/** Record of a testbed, written before anything is made, so that `down` finds all of it after a crash. */
export const manifestSchema = z.strictObject({
  schema: z.literal('x0t.testbed/1'),
  createdAtMs: z.number(),
  /** The process that makes, and in the foreground owns, the testbed. */
  owner: z.strictObject({ pid: z.int(), startTicks: z.int() }),
  netnsFolder: z.enum(['absent', 'folder', 'mount']),
  runner: runnerSpecSchema,
  plan: z.strictObject({
    bed: z.string(),
    forward: z.boolean(),
    /** Testbeds of earlier versions have no such field. */
    cables: z.enum(['veth', 'bpf']).default('veth'),
    hosts: z.array(z.strictObject({ name: z.string(), namespace: z.string().startsWith('x0t-') })),
    links: z.array(z.strictObject({ a: endSchema, b: endSchema, mtuBytes: z.int() })),
  }),
})

/** The program of a host, as it was last started. */
export const hostProcessSchema = z.strictObject({
  pid: z.int(),
  startTicks: z.int(),
  startedAtMs: z.number(),
  /** What the program told about itself: node id and overlay address of an x0t node. */
  details: z.record(z.string(), z.string()),
})

const undoSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('command'),
    argv: z.array(z.string()).min(1),
    input: z.string().optional(),
    /** It fails where there is nothing to undo. */
    mayFail: z.boolean().optional(),
  }),
  z.strictObject({ kind: z.literal('continue'), host: z.string() }),
  z.strictObject({ kind: z.literal('start'), host: z.string() }),
  /** The switches of the cables are set to what the other faults ask for. */
  z.strictObject({ kind: z.literal('switch') }),
  /** A program that keeps the fault going, found by a word of its command line. */
  z.strictObject({
    kind: z.literal('end-helper'),
    namespace: z.string().startsWith('x0t-'),
    mark: z.string(),
    /** Time it has after SIGTERM to finish by itself; none where absent. */
    graceMs: z.number().optional(),
  }),
])

/** An active fault with the steps that undo it, written before it is injected. */
export const activeFaultSchema = z.strictObject({
  target: z.string(),
  kind: z.enum([
    'down',
    'blackhole',
    'one-way',
    'loss',
    'loss-from',
    'latency',
    'flap',
    'crash',
    'freeze',
    'byzantine',
    'handshake-failure',
    'svid-expiry',
    'clock-jump',
    'partition',
  ]),
  /**
   * Loss from 0 to 1; latency and the states of flap in milliseconds; least bytes that byzantine eats;
   * seconds that a clock jumps.
   */
  value: z.number().optional(),
  jitterMs: z.number().optional(),
  injectedAtMs: z.number(),
  undo: z.array(undoSchema),
})

export type RunnerSpec = z.infer<typeof runnerSpecSchema>
export type Manifest = z.infer<typeof manifestSchema>
export type HostProcess = z.infer<typeof hostProcessSchema>
export type ActiveFault = z.infer<typeof activeFaultSchema>
export type UndoStep = z.infer<typeof undoSchema>

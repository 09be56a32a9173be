import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { X0tError } from '@x0t/core'
import type {
  AttachTarget,
  BpfBackend,
  BpfLink,
  BpfMap,
  BpfProgram,
  LoadedObject,
  LoadOptions,
  MapInfo,
  ObjectRef,
  ProgramInfo,
} from '../src/index.ts'
import { removedInterface } from '../src/attach-target.ts'
import { describeTarget } from '../src/index.ts'

/** What the fake takes for an object file: this as JSON. */
export interface FakeObject {
  readonly programs: readonly { readonly name: string; readonly type: string; readonly tag?: string }[]
  readonly maps?: readonly { readonly name: string; readonly type?: string; readonly constant?: number }[]
  /** Names of programs that the kernel refuses. */
  readonly refused?: readonly string[]
}

export function fakeObject(object: FakeObject): Uint8Array {
  return Buffer.from(JSON.stringify(object))
}

/** The object file of the chain, as far as the fake goes. */
export const fakeChain = fakeObject({
  programs: [{ name: 'x0t_chain', type: 'xdp' }],
  maps: ['chain_heads', 'chain_slots', 'chain_programs', 'chain_place'].map((name) => ({ name })),
})

/** An object whose programs can be chained: the name of the map stands between zeros as in a symbol table. */
export function fakeChainable(object: FakeObject): Uint8Array {
  return Buffer.concat([
    fakeObject({ ...object, maps: [...(object.maps ?? []), ...fakeChainMaps] }),
    Buffer.from('\0chain_programs\0'),
  ])
}
const fakeChainMaps = ['chain_heads', 'chain_slots', 'chain_programs', 'chain_place'].map((name) => ({
  name,
}))

interface Program {
  readonly kind: 'program'
  readonly id: number
  readonly name: string
  readonly type: string
  readonly tag: string
  readonly mapIds: readonly number[]
  handles: number
}
interface Map_ {
  readonly kind: 'map'
  readonly id: number
  readonly name: string
  readonly entries: Map<string, Uint8Array>
  handles: number
}
interface Link {
  readonly kind: 'link'
  readonly id: number
  programId: number
  readonly target: AttachTarget
  /** Its interface was removed. */
  isGone?: boolean
  attached: boolean
  handles: number
}
type Thing = Program | Map_ | Link

/**
 * The part of a kernel that pins, links and ids need, in memory: things live as long as a handle, a pin, a link or a map
 * of programs holds them. Pins are files under `root`.
 */
export class FakeKernel implements BpfBackend {
  readonly name = 'memory'
  readonly #root: string
  readonly #things = new Map<number, Thing>()
  #lastId = 0

  constructor(root: string) {
    this.#root = root
  }

  async load(bytes: Uint8Array, options: LoadOptions = {}): Promise<LoadedObject> {
    const text = Buffer.from(bytes).toString()
    const zero = text.indexOf('\0')
    const object = JSON.parse(zero < 0 ? text : text.slice(0, zero)) as FakeObject
    const maps = new Map<string, BpfMap>()
    for (const { name, constant } of object.maps ?? []) {
      const given = options.maps?.[name]
      const map =
        given === undefined
          ? this.#add<Map_>({ kind: 'map', name, entries: new Map() })
          : this.#get(given.id, 'map')
      if (constant !== undefined) map.entries.set('00000000', Uint8Array.of(constant))
      for (const [global, value] of Object.entries(options.globals ?? {}))
        if (name === '.rodata') map.entries.set('00000000', Buffer.from(`${global}=${String(value)}`))
      maps.set(name, this.#map(map))
    }
    const programs = new Map<string, BpfProgram>()
    const refusals = []
    for (const { name, type, tag = `tag of ${name}` } of object.programs) {
      if (options.programs !== undefined && !options.programs.includes(name)) continue
      if (object.refused?.includes(name)) {
        refusals.push({
          program: name,
          code: 'BPF_PROGRAM_REFUSED',
          message: 'invalid access',
          hint: undefined,
          log: 'x.c:1',
        } as const)
        continue
      }
      const mapIds = [...maps.values()].map(({ id }) => id)
      programs.set(name, this.#program(this.#add<Program>({ kind: 'program', name, type, tag, mapIds })))
    }
    const handles = [...programs.values(), ...maps.values()]
    return {
      programs,
      maps,
      refusals,
      logs: new Map(),
      [Symbol.dispose]: () => handles.forEach((handle) => handle[Symbol.dispose]()),
    }
  }

  async openMap(ref: ObjectRef): Promise<BpfMap> {
    return this.#map(this.#open(ref, 'map'))
  }
  async openProgram(ref: ObjectRef): Promise<BpfProgram> {
    return this.#program(this.#open(ref, 'program'))
  }
  async openLink(ref: ObjectRef): Promise<BpfLink> {
    return this.#link(this.#open(ref, 'link'))
  }

  async listPrograms(): Promise<readonly ProgramInfo[]> {
    return this.#alive('program').map(({ id, name, type, tag, mapIds }) => ({
      id,
      name,
      type,
      tag,
      mapIds,
      loadedAtMs: 0,
      instructionBytes: 16,
      jitedBytes: 16,
      verifiedInstructions: 2,
      runCount: 0,
      runTimeNs: 0,
      pins: [],
    }))
  }
  async listMaps(): Promise<readonly MapInfo[]> {
    return this.#alive('map').map(({ id, name }) => ({ id, pins: [], ...specOf(name) }))
  }
  async listLinks(): ReturnType<BpfBackend['listLinks']> {
    return this.#alive('link').map(({ id, programId, target, isGone }) => ({
      id,
      programId,
      type: target.kind,
      target: isGone === true ? removedInterface : describeTarget(target),
      pins: [],
    }))
  }
  enableStatistics(): Disposable {
    return { [Symbol.dispose]() {} }
  }

  /** All that is alive, as `program 3 flow_ingress`. */
  alive(): readonly string[] {
    return [...this.#reachable()]
      .map((id) => this.#things.get(id)!)
      .map((thing) => `${thing.kind} ${thing.kind === 'link' ? describeTarget(thing.target) : thing.name}`)
      .toSorted()
  }

  /** Ids of programs that run at a place, in the order of attachment. */
  attachedTo(place: string): readonly number[] {
    return this.#alive('link')
      .filter(({ target, attached }) => attached && describeTarget(target) === place)
      .map(({ programId }) => programId)
  }

  /** Links of its programs stay, attached to nothing. */
  removeInterface(name: string): void {
    for (const link of this.#alive('link'))
      if ('interface' in link.target && link.target.interface === name)
        Object.assign(link, { isGone: true, attached: false })
  }

  #refused: { readonly name: string } | undefined

  /** Makes the next pin of this name fail. */
  refuseNext(_what: 'pin', name: string): void {
    this.#refused = { name }
  }

  /** What the end of a process does. */
  closeAllHandles(): void {
    for (const thing of this.#things.values()) thing.handles = 0
  }

  #alive<K extends Thing['kind']>(kind: K): Extract<Thing, { kind: K }>[] {
    return [...this.#reachable()]
      .map((id) => this.#things.get(id)!)
      .filter((thing): thing is Extract<Thing, { kind: K }> => thing.kind === kind)
      .toSorted((a, b) => a.id - b.id)
  }

  #reachable(): ReadonlySet<number> {
    const found = new Set<number>()
    const visit = (id: number): void => {
      const thing = this.#things.get(id)
      if (thing === undefined || found.has(id)) return
      found.add(id)
      if (thing.kind === 'link') visit(thing.programId)
      if (thing.kind === 'program') thing.mapIds.forEach(visit)
      if (thing.kind === 'map' && thing.name === 'chain_programs')
        for (const value of thing.entries.values()) visit(Buffer.from(value).readUInt32LE(0))
    }
    for (const thing of this.#things.values()) if (thing.handles > 0) visit(thing.id)
    for (const entry of readdirSync(this.#root, { recursive: true, withFileTypes: true }))
      if (entry.isFile())
        visit(Number(readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8').split(' ')[1]))
    return found
  }

  #add<T extends Thing>(thing: Omit<T, 'id' | 'handles'>): T {
    const whole = { ...thing, id: ++this.#lastId, handles: 0 } as unknown as T
    this.#things.set(whole.id, whole)
    return whole
  }

  #get<K extends Thing['kind']>(id: number, kind: K): Extract<Thing, { kind: K }> {
    const thing = this.#reachable().has(id) ? this.#things.get(id) : undefined
    if (thing?.kind !== kind) throw new X0tError('BPF_OBJECT_NOT_FOUND', `no ${kind} ${id}`)
    return thing as Extract<Thing, { kind: K }>
  }

  #open<K extends Thing['kind']>(ref: ObjectRef, kind: K): Extract<Thing, { kind: K }> {
    if ('id' in ref) return this.#get(ref.id, kind)
    const [found, id] = readFileSync(ref.pin, 'utf8').split(' ')
    if (found !== kind) throw new X0tError('BPF_OBJECT_NOT_FOUND', `${ref.pin} is a ${found!}`)
    return this.#get(Number(id), kind)
  }

  #handle(thing: Thing): { readonly id: number; readonly fd: number; pin(path: string): void } & Disposable {
    thing.handles += 1
    let open = true
    return {
      id: thing.id,
      fd: -1,
      pin: (path) => {
        if (this.#refused !== undefined && path.endsWith(`/${this.#refused.name}`)) {
          this.#refused = undefined
          throw new X0tError('BPF_PIN_FAILED', 'refused')
        }
        writeFileSync(path, `${thing.kind} ${thing.id}`, { flag: 'wx' })
      },
      [Symbol.dispose]() {
        if (open) thing.handles -= 1
        open = false
      },
    }
  }

  #program(program: Program): BpfProgram {
    return {
      ...this.#handle(program),
      spec: { name: program.name, section: program.type, instructions: 2 },
      attach: (target) => {
        const place = describeTarget(target)
        if (target.kind === 'xdp' && this.attachedTo(place).length > 0)
          throw new X0tError('BPF_BUSY', `${place} is taken`)
        return this.#link(this.#add<Link>({ kind: 'link', programId: program.id, target, attached: true }))
      },
      testRun: (packet) => ({ verdict: 2, packet, durationNs: 7 }),
      sendLive() {},
    }
  }

  #map(map: Map_): BpfMap {
    const text = (key: Uint8Array): string => Buffer.from(key).toString('hex')
    return {
      ...this.#handle(map),
      spec: specOf(map.name),
      get: (key) =>
        map.entries.get(text(key)) ??
        (map.name.endsWith('s') && map.name !== 'chain_programs' ? new Uint8Array(8) : undefined),
      set: (key, value) => void map.entries.set(text(key), value.slice()),
      setProgram: (key, program) => {
        const bytes = Buffer.alloc(4)
        bytes.writeUInt32LE(program.id)
        map.entries.set(text(key), bytes)
      },
      delete: (key) => map.entries.delete(text(key)),
      entries: () => [...map.entries].map(([key, value]) => [Buffer.from(key, 'hex'), value] as const),
      memory: () => new ArrayBuffer(8),
      types: () => undefined,
      onEvent: () => ({ [Symbol.dispose]() {} }),
    }
  }

  #link(link: Link): BpfLink {
    return {
      ...this.#handle(link),
      update(program) {
        if (link.target.kind === 'tracepoint') throw new X0tError('BPF_UNSUPPORTED', 'not this kind of link')
        link.programId = program.id
      },
      detach: () => void (link.attached = false),
    }
  }
}

function specOf(name: string): BpfMap['spec'] {
  return { name, type: 'array', keyBytes: 4, valueBytes: 4, maxEntries: 1, flags: 0 }
}

import { isMainThread } from 'node:worker_threads'
import { loadFfi, openSyscalls } from './syscalls.ts'

const UV_POLL = 8
const UV_READABLE = 1

const signatures = {
  uv_handle_size: { arguments: ['i32'], return: 'u64' },
  uv_poll_init: { arguments: ['u64', 'pointer', 'i32'], return: 'i32' },
  uv_poll_start: { arguments: ['pointer', 'i32', 'u64'], return: 'i32' },
  uv_close: { arguments: ['pointer', 'u64'], return: 'void' },
} as const

type Ffi = NonNullable<ReturnType<typeof loadFfi>>
type Functions = ReturnType<typeof open>['functions']

interface Watch {
  /** uv_poll_t: lives until libuv has closed it. */
  readonly memory: ArrayBuffer
  readonly onReadable: () => void
}

interface Loop {
  /** Kept with its callbacks: they end with it. */
  readonly lib: Disposable
  readonly functions: Functions
  /** uv_loop_t of this thread. */
  readonly loop: bigint
  readonly pollCallback: bigint
  readonly closeCallback: bigint
  /** By address of the handle. */
  readonly watches: Map<bigint, Watch>
}

let loop: Loop | undefined

function open(ffi: Ffi) {
  return ffi.dlopen(null, signatures)
}

/** The libuv of this thread; undefined where Node.js does not give access to it. */
function openLoop(): Loop | undefined {
  const ffi = loadFfi()
  if (ffi?.getCurrentEventLoop === undefined) return undefined
  const { functions, lib } = open(ffi)
  const watches = new Map<bigint, Watch>()
  // One of each for all handles of the thread, for ever: none is freed while libuv may call it.
  const pollCallback = lib.registerCallback(
    { arguments: ['u64', 'i32', 'i32'], return: 'void' },
    (handle) => {
      watches.get(handle)?.onReadable()
    },
  )
  const closeCallback = lib.registerCallback({ arguments: ['u64'], return: 'void' }, (handle) => {
    watches.delete(handle)
  })
  return { lib, functions, loop: ffi.getCurrentEventLoop(), pollCallback, closeCallback, watches }
}

/**
 * Calls back when a descriptor is readable, by uv_poll_t; keeps the process alive until it is disposed.
 * @returns undefined where this Node.js cannot, and in worker threads: Node.js aborts the process if a worker ends with
 * a handle of libuv that it does not know
 */
export function pollReadable(fd: number, onReadable: () => void): Disposable | undefined {
  if (!isMainThread) return undefined
  loop ??= openLoop()
  if (loop === undefined) return undefined
  const { functions, watches, pollCallback, closeCallback } = loop
  const syscalls = openSyscalls()
  const memory = new ArrayBuffer(Number(functions.uv_handle_size(UV_POLL)))
  const handle = syscalls.addressOf(memory)
  // libuv watches a descriptor once, and its owner may close it first: this one is the watch's own.
  const own = syscalls.duplicate(fd)
  if (own < 0 || functions.uv_poll_init(loop.loop, memory, own) < 0) {
    if (own >= 0) syscalls.close(own)
    return undefined
  }
  let isOpen = true
  watches.set(handle, {
    memory,
    onReadable() {
      if (!isOpen) return
      try {
        onReadable()
      } catch (error) {
        // An exception must not unwind through libuv.
        setImmediate(() => {
          throw error
        })
      }
      // libuv called straight into JavaScript: promises settled there go on with the next turn of Node.js.
      setImmediate(() => undefined)
    },
  })
  const watch = {
    [Symbol.dispose]() {
      if (!isOpen) return
      isOpen = false
      functions.uv_close(memory, closeCallback)
      syscalls.close(own)
    },
  }
  if (functions.uv_poll_start(memory, UV_READABLE, pollCallback) >= 0) return watch
  watch[Symbol.dispose]()
  return undefined
}

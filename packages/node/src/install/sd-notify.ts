import type { Log } from '@x0t/core'

/** Tells the service manager how the service fares; a `STATUS=` line is seen in `systemctl status`. */
export interface ServiceManager {
  ready(status: string): void
  status(status: string): void
  /** The service is still alive; to be called within half of `watchdogMs`. */
  alive(): void
  stopping(): void
  /** Within what time `alive` is expected; undefined where no watchdog runs. */
  readonly watchdogMs: number | undefined
}

const silent: ServiceManager = { ready() {}, status() {}, alive() {}, stopping() {}, watchdogMs: undefined }

/**
 * The service manager that `NOTIFY_SOCKET` names (sd_notify(3)); one that hears nothing where there is none.
 * Node has no Unix datagram sockets, so libc is called through node:ffi.
 */
export async function serviceManager(
  env: Readonly<Record<string, string | undefined>>,
  log: Log,
): Promise<ServiceManager> {
  const path = env['NOTIFY_SOCKET']
  if (path === undefined || !/^[/@][^\0]{1,106}$/.test(path)) return silent
  let send: (text: string) => boolean
  try {
    send = await openNotifySocket(path)
  } catch (error) {
    log.warn('service-manager-unreachable', { path, error })
    return silent
  }
  const tell = (text: string): void => {
    if (!send(text)) log.warn('service-manager-unreachable', { path })
  }
  const watchdogUs = Number(env['WATCHDOG_USEC'])
  const oneLine = (text: string): string => text.replaceAll(/[\r\n]+/g, ' ')
  return {
    ready: (status) => tell(`READY=1\nSTATUS=${oneLine(status)}\nMAINPID=${process.pid}`),
    status: (status) => tell(`STATUS=${oneLine(status)}`),
    alive: () => tell('WATCHDOG=1'),
    stopping: () => tell('STOPPING=1'),
    watchdogMs: Number.isSafeInteger(watchdogUs) && watchdogUs > 0 ? watchdogUs / 1000 : undefined,
  }
}

/** A function that sends one datagram to a Unix socket; it returns false if that failed. */
async function openNotifySocket(path: string): Promise<(text: string) => boolean> {
  const { dlopen } = await import('node:ffi')
  const { functions } = dlopen(null, {
    socket: { return: 'i32', arguments: ['i32', 'i32', 'i32'] },
    sendto: { return: 'i64', arguments: ['i32', 'buffer', 'u64', 'i32', 'buffer', 'u32'] },
  })
  const unix = 1
  const datagramCloseOnExec = 2 | 0o2000000
  const noSignalDontWait = 0x4000 | 0x40
  const descriptor = functions.socket(unix, datagramCloseOnExec, 0)
  if (descriptor < 0) throw new Error('socket(AF_UNIX, SOCK_DGRAM) failed')
  // sockaddr_un: family, then the path; a leading @ stands for the zero byte of an abstract name.
  const address = Buffer.alloc(2 + Buffer.byteLength(path) + (path.startsWith('@') ? 0 : 1))
  address.writeUInt16LE(unix, 0)
  address.write(path, 2)
  if (path.startsWith('@')) address[2] = 0
  return (text) => {
    const message = Buffer.from(text)
    const sent = functions.sendto(
      descriptor,
      message,
      BigInt(message.length),
      noSignalDontWait,
      address,
      address.length,
    )
    return Number(sent) === message.length
  }
}

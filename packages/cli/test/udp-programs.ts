/** Sends the datagrams of a JSON job on standard input (host, port, hex), with room to breathe. */
export const senderProgram: readonly string[] = [
  process.execPath,
  '--input-type=module',
  '--eval',
  `import { createSocket } from 'node:dgram'
   import { text } from 'node:stream/consumers'
   import { setTimeout } from 'node:timers/promises'
   const { host, port, hex } = JSON.parse(await text(process.stdin))
   const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
   for (const [index, one] of hex.entries()) {
     await new Promise((resolve) => socket.send(Buffer.from(one, 'hex'), port, host, resolve))
     if (index % 20 === 19) await setTimeout(4)
   }
   socket.close()`,
]

/** Counts datagrams on a port and prints how many came, once none has come for a second after the first. */
export function receiverProgram(port: number): readonly string[] {
  const program = `
    import { createSocket } from 'node:dgram'
    const socket = createSocket({ type: 'udp6', recvBufferSize: 1 << 20 })
    let count = 0
    let timer
    socket.on('message', () => {
      count++
      clearTimeout(timer)
      timer = setTimeout(() => { process.stdout.write(String(count)); socket.close() }, 1000)
    })
    socket.bind(${port}, '::')`
  return [process.execPath, '--input-type=module', '--eval', program]
}

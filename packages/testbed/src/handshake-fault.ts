import { ineffective, type FaultSteps } from './fault-steps.ts'
import type { LinkEnd } from './network-plan.ts'
import { chainAt, nftFault } from './nft-fault.ts'
import { inNamespace, type Run } from './run-command.ts'
import { nodePort } from './x0t-runner.ts'

/** An end of a link at which records are tampered with, and the host behind it. */
export interface TamperedEnd {
  readonly own: LinkEnd
  readonly other: LinkEnd
}

/** First bytes of a TLS record (RFC 8446, 5.1): what it holds, then version 3. */
const [handshakeRecord, dataRecord] = ['0x1603', '0x1703']

/**
 * Somebody on the way changes bytes of the TLS connections of the control plane, in both directions: of handshakes in the
 * middle of the ML-KEM key or ciphertext, so that the secrets of the two sides differ; of connections that are up in their
 * next record, so that they break. New connections over these links fail, and so do session handshakes that would pass
 * over them; UDP passes untouched.
 */
export function handshakeFailure(ends: readonly TamperedEnd[]): FaultSteps {
  const rules = [
    // Hello messages with an ML-KEM-768 share are longer than 1,000 bytes, most of them this share.
    `tcp @ih,0,16 ${handshakeRecord} counter @ih,4800,32 set 0x42424242`,
    `tcp @ih,0,16 ${dataRecord} counter @ih,64,32 set 0x42424242`,
  ].flatMap((rule) => ['sport', 'dport'].map((side) => rule.replace('tcp ', `tcp ${side} ${nodePort} `)))
  const { namespace, index } = ends[0]!.own
  const chains = ends.flatMap(({ own }) =>
    (['ingress', 'egress'] as const).map((hook) => chainAt(own, hook, -340, rules.join(';\n '))),
  )
  const table = { family: 'netdev', name: `x0t_handshake_${index}`, chains } as const
  return {
    ...nftFault([{ namespace, tables: [table] }], []),
    async verify({ run }) {
      for (const { own, other } of ends) {
        const outcome = await shakeHands(own, other, run)
        if (outcome === 'secure' || outcome === 'ECONNREFUSED' || outcome === 'timeout')
          throw ineffective(`a TLS handshake from ${own.host} to ${other.host}: ${outcome}`)
      }
    },
  }
}

/** Tries the handshake of a node that wants to enrol; returns `secure` or why it failed. */
export async function shakeHands(from: LinkEnd, to: LinkEnd, run: Run): Promise<string> {
  const options = {
    host: to.ipv4,
    port: nodePort,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    ecdhCurve: 'X25519MLKEM768',
    sigalgs: 'mldsa65',
    ALPNProtocols: ['x0t-enrol/1'],
  }
  const program = `
const end = outcome => { console.log(outcome); process.exit() }
setTimeout(end, 5000, 'timeout')
const socket = require('node:tls').connect(${JSON.stringify(options)}, () => end('secure'))
socket.on('error', error => end(error.code ?? error.message)).on('end', () => end('closed'))`
  const { stdout } = await run(inNamespace(from.namespace, [process.execPath, '-e', program]))
  return stdout.trim()
}

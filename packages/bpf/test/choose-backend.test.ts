import t from 'tap'
import { X0tError } from '@x0t/core'
import { chooseBackend, openMemoryBackend } from '@x0t/bpf'

const backend = openMemoryBackend()
const fails = (code: string, message: string) => () => {
  throw new X0tError(code, message)
}

t.test('native is chosen where it works, and bpftool is not even asked', async (t) => {
  const chosen = await chooseBackend({ openNative: () => backend, openBpftool: fails('BUG', 'asked') })
  t.same(chosen, { backend, reason: 'bpf(2) through node:ffi' })
})

t.test('bpftool is chosen where native cannot be, and the reason is told', async (t) => {
  const openNative = fails('BPF_UNSUPPORTED', 'this Node.js has no node:ffi')
  const chosen = await chooseBackend({ openNative, openBpftool: async () => backend })
  t.same(chosen, { backend, reason: 'bpftool, because this Node.js has no node:ffi' })
})

t.test('with neither both reasons are told, and what to install', async (t) => {
  const openNative = fails('BPF_UNSUPPORTED', 'this Node.js has no node:ffi')
  await t.rejects(chooseBackend({ openNative, openBpftool: fails('BPF_BPFTOOL_MISSING', 'x') }), {
    code: 'BPF_UNSUPPORTED',
    message: /no node:ffi, and bpftool is not installed/,
    hint: /apt install bpftool/,
  })
})

t.test('any other failure is passed on', async (t) => {
  const unsupported = fails('BPF_UNSUPPORTED', 'no ffi')
  await t.rejects(chooseBackend({ openNative: fails('OTHER', 'x') }), { code: 'OTHER' })
  await t.rejects(chooseBackend({ openNative: unsupported, openBpftool: fails('OTHER', 'x') }), {
    code: 'OTHER',
  })
})

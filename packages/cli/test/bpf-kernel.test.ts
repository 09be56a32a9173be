import { testInBpfUniverse } from './bpf-universe.ts'

testInBpfUniverse('bpf-killed', 'bpf-sharing', 'bpf-looking')

import { testInBpfUniverse } from './bpf-universe.ts'

testInBpfUniverse('bpf-life-cycle')

import { testInUniverse } from './support/universe.ts'

testInUniverse('backends')

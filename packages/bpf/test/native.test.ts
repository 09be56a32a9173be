import { testInUniverse } from './support/universe.ts'

testInUniverse('native-objects', 'native-links', 'native-threads', 'native-limits')

import t from 'tap'
import { createMemoryRecordStore } from '@x0t/dao'
import { testOwnRecordStore } from './support/record-store-compliance.ts'

testOwnRecordStore(t, { open: async (_t, limits) => createMemoryRecordStore(limits) })

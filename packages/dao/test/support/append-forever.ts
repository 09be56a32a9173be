// Appends to one lane until it is killed, and prints the id of each record once it is kept. Argument: the store.
import { openRecordStore } from '@x0t/dao'
import { identityNamed, signNext } from './sample-records.ts'

const writer = identityNamed('writer')
await using store = await openRecordStore(process.argv[2]!)
for (;;) {
  const { id } = await store.append(writer.nodeId, 'member', signNext(writer, 'member'))
  process.stdout.write(`${id}\n`)
}

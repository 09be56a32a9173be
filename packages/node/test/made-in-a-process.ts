import { silentLog as log } from '@x0t/core'
import { initNode, joinMesh } from '../src/index.ts'

// Makes a node or lets it join, for tests that kill the process in between.
const [work, home, name, token] = process.argv.slice(2) as [string, string, string, string]
process.send?.('begins')
if (work === 'init') await initNode({ home, name, meshName: 'killed', log })
else await joinMesh({ home, name, token, log })
process.disconnect?.()

// JavaScript, so that a start from the compile cache never loads the type stripper into this thread, which costs a
// tenth of a second of processor time in each. `argv[2]` is the folder of the cache, where the owner has one.
import module from 'node:module'

const folder = process.argv[2]
if (folder !== undefined) module.enableCompileCache(folder)
await import('./worker.ts')

// Writes docs/configuration.md from the table of settings; a test compares them.
import { writeFileSync } from 'node:fs'
import { configReference } from '../packages/node/src/config/index.ts'

writeFileSync(`${import.meta.dirname}/../docs/configuration.md`, configReference())

// Program of one job, started by isolated.ts.
import { messageOf } from '@x0t/core'
import type { JobMessage } from './isolated.ts'
import type { Job, JobResult, Progress } from './job.ts'
import { runImportJob } from './import-job.ts'
import { runTallyJob } from './tally-job.ts'
import { runVerifyJob } from './verify-job.ts'

// Where the other end is gone nobody waits for it: `disconnect` ends this.
const say = (message: JobMessage): void => void process.send!(message, undefined, {}, () => {})
process.on('disconnect', () => process.exit())
process.once('message', (job) => void main(job as Job))

async function main(job: Job): Promise<void> {
  try {
    say({ kind: 'done', result: await run(job, (text) => say({ kind: 'progress', text })) })
  } catch (error) {
    say({ kind: 'failed', reason: messageOf(error) })
  }
}

async function run(job: Job, onProgress: Progress): Promise<JobResult> {
  if (job.kind === 'tally') return runTallyJob(job, onProgress)
  return job.kind === 'verify' ? runVerifyJob(job, onProgress) : runImportJob(job, onProgress)
}

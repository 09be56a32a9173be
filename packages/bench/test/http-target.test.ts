import t from 'tap'
import { isNear, parseTarget } from '../src/index.ts'

t.test('loopback and private addresses are near, others are not', async (t) => {
  for (const near of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.7.7',
    'fd78::1',
  ])
    t.equal(isNear(near), true, near)
  for (const far of [
    '8.8.8.8',
    '172.32.0.1',
    '169.254.169.254',
    '2001:db8::1',
    '::ffff:8.8.8.8',
    'localhost',
    '',
  ])
    t.equal(isNear(far), false, far)
})

t.test('a host that is not near needs leave', async (t) => {
  const resolve = async () => ['127.0.0.1', '192.0.2.7']
  const far = { allowRemote: false, resolve }
  await t.rejects(parseTarget('http://mixed.example/', far), { code: 'BENCH_TARGET_REMOTE', exitCode: 2 })
  await t.rejects(parseTarget('http://[2001:db8::1]/', far), { code: 'BENCH_TARGET_REMOTE' })
  t.match(await parseTarget('http://mixed.example/', { ...far, allowRemote: true }), { remote: true })
  t.match(await parseTarget('https://[::1]:8443/health', far), { remote: false })
  t.match(await parseTarget('http://localhost:1/', { allowRemote: false }), { remote: false })
})

t.test('what is no URL of an HTTP service is refused, and a name without an address', async (t) => {
  for (const wrong of ['', 'localhost:80', 'ftp://127.0.0.1/', 'http://user:secret@127.0.0.1/', 'http://'])
    await t.rejects(
      parseTarget(wrong, { allowRemote: true }),
      { code: 'BENCH_URL_INVALID', exitCode: 2 },
      wrong,
    )
  const options = (resolve: () => Promise<readonly string[]>) => ({ allowRemote: true, resolve })
  await t.rejects(
    parseTarget(
      'http://gone.example/',
      options(async () => []),
    ),
    { code: 'BENCH_TARGET_UNKNOWN' },
  )
  await t.rejects(
    parseTarget(
      'http://gone.example/',
      options(() => Promise.reject(new Error('ENOTFOUND'))),
    ),
    { code: 'BENCH_TARGET_UNKNOWN', message: /gone.example has no address: ENOTFOUND/ },
  )
})

// What users of the npm client etcd3 do, as its README and reference show it. HOSTS are
// the members, and "ETCDSIM ctl --control CONTROL" breaks them and turns their clock.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { after, beforeEach, test } from 'node:test'
import { Etcd3, EtcdLockFailedError, EtcdPermissionDeniedError, EtcdInvalidAuthTokenError, isRecoverableError } from 'etcd3'
import { ExponentialBackoff, handleWhen, retry } from 'cockatiel'

const hosts = process.env.HOSTS.split(',')
const ctl = (...words) => execFileSync(process.env.ETCDSIM, ['ctl', '--control', process.env.CONTROL, ...words], { encoding: 'utf8' })
const client = new Etcd3({ hosts })
after(() => client.close())
beforeEach(() => client.delete().all())

test('keys: strings, numbers, JSON, buffers', async () => {
  await client.put('string').value('bar')
  await client.put('number').value(42)
  await client.put('json').value(JSON.stringify({ a: [1, 2] }))
  await client.put('buffer').value(Buffer.from([0, 255]))
  assert.equal(await client.get('string').string(), 'bar')
  assert.equal(await client.get('string'), 'bar')
  assert.equal(await client.get('number').number(), 42)
  assert.deepEqual(await client.get('json').json(), { a: [1, 2] })
  assert.deepEqual(await client.get('buffer').buffer(), Buffer.from([0, 255]))
  assert.equal(await client.get('nothing').string(), null)
  assert.equal(await client.get('nothing').exists(), false)
  assert.equal(await client.get('string').exists(), true)
})

test('keys: of old, with what was there before, and touched', async () => {
  const first = await client.put('k').value('one')
  const second = await client.put('k').value('two').getPrevious()
  assert.equal(second.value.toString(), 'one')
  assert.equal(await client.get('k').revision(first.header.revision).string(), 'one')
  await client.put('k').touch()
  const { kvs: [kv] } = await client.get('k').exec()
  assert.deepEqual([kv.value.toString(), kv.version], ['two', '3'])
})

test('ranges: prefix, order, limit, count, deletion', async () => {
  for (const i of [3, 1, 2]) await client.put(`user/${i}`).value(i * 10)
  await client.put('other').value('x')
  assert.deepEqual(await client.getAll().prefix('user/').numbers(), { 'user/1': 10, 'user/2': 20, 'user/3': 30 })
  assert.deepEqual(await client.getAll().prefix('user/').sort('Value', 'Descend').limit(2).keys(), ['user/3', 'user/2'])
  assert.deepEqual(await client.getAll().inRange({ start: 'user/2', end: 'user/4' }).strings(), { 'user/2': '20', 'user/3': '30' })
  assert.equal(await client.getAll().count(), 4)
  assert.equal((await client.delete().prefix('user/').exec()).deleted, '3')
  assert.deepEqual(await client.delete().key('other').getPrevious().then(kvs => kvs.map(kv => kv.value.toString())), ['x'])
  const space = client.namespace('app/')
  await space.put('a').value('in a namespace')
  assert.deepEqual(await space.getAll().strings(), { a: 'in a namespace' })
  assert.equal(await client.get('app/a').string(), 'in a namespace')
})

test('transactions', async () => {
  await client.put('balance').value(10)
  const take = n => client.if('balance', 'Value', '==', 10).then(client.put('balance').value(10 - n)).else(client.get('balance')).commit()
  assert.equal((await take(4)).succeeded, true)
  const again = await take(4)
  assert.equal(again.succeeded, false)
  assert.equal(again.responses[0].response_range.kvs[0].value.toString(), '6')
  const and = await client.if('balance', 'Version', '==', 2).and('none', 'Create', '==', 0).then(client.put('none').value('')).commit()
  assert.equal(and.succeeded, true)
})

test('software transactional memory counts every increment', async () => {
  await client.put('counter').value(0)
  const increment = () => client.stm().transact(async tx => {
    const n = await tx.get('counter').number()
    await tx.put('counter').value(n + 1)
  })
  for (let i = 0; i < 5; i++) await Promise.all([increment(), increment()])
  assert.equal(await client.get('counter').number(), 10)
})

test('leases: a key goes with its lease, when it is revoked and when time passes', async () => {
  const lease = client.lease(60, { autoKeepAlive: false })
  await lease.put('session').value('here')
  assert.equal((await lease.keepaliveOnce()).TTL, '60')
  await lease.revoke()
  assert.equal(await client.get('session').string(), null)

  const forgotten = client.lease(60, { autoKeepAlive: false })
  await forgotten.put('session').value('here')
  ctl('advance', '50s')
  assert.equal(await client.get('session').string(), 'here')
  ctl('advance', '12s')
  assert.equal(await client.get('session').string(), null)
})

test('a lease that is lost says so', async () => {
  const lease = client.lease(2)
  await lease.grant()
  const lost = once(lease, 'lost')
  ctl('advance', '10s') // the client's own clock stands meanwhile
  await lost
})

test('watches: keys, prefixes, deletions, from a revision', async () => {
  const watcher = await client.watch().prefix('w/').withPreviousKV().create()
  const events = []
  watcher.on('put', (kv, prev) => events.push(`put ${kv.key} ${kv.value} ${prev ? prev.value : '-'}`))
  watcher.on('delete', (kv, prev) => events.push(`delete ${kv.key} ${prev.value}`))
  const { header: { revision } } = await client.put('w/1').value('a')
  await client.put('w/1').value('b')
  await client.put('elsewhere').value('c')
  await client.delete().key('w/1')
  await until(() => events.length === 3)
  assert.deepEqual(events, ['put w/1 a -', 'put w/1 b a', 'delete w/1 b'])
  await watcher.cancel()

  const past = await client.watch().key('w/1').startRevision(revision).only('put').create()
  const values = []
  past.on('put', kv => values.push(kv.value.toString()))
  await until(() => values.length === 2)
  assert.deepEqual(values, ['a', 'b'])
  await past.cancel()
})

test('locks: one holds it, the next has it afterwards', async () => {
  let held = false
  await client.lock('mutex').do(async () => {
    held = true
    await assert.rejects(client.lock('mutex').acquire(), EtcdLockFailedError)
  })
  assert.equal(held, true)
  const lock = await client.lock('mutex').ttl(60).acquire()
  assert.notEqual(await lock.leaseId(), null)
  await lock.release()
})

test('elections: one leads, an observer hears of each', async () => {
  const election = client.election('singleton', 60)
  const observer = await election.observe()
  const first = election.campaign('one')
  await once(first, 'elected')
  await until(() => observer.leader() === 'one')
  const second = election.campaign('two')
  assert.equal(await election.leader(), 'one')
  const elected = once(second, 'elected')
  await first.proclaim('one again')
  await until(() => observer.leader() === 'one again')
  await first.resign()
  await elected
  await until(() => observer.leader() === 'two')
  await second.resign()
  await until(() => observer.leader() === undefined)
  await observer.cancel()
})

test('users and roles', async () => {
  const root = await client.role('root').create()
  const user = await client.user('root').create('rootpw')
  await user.addRole('root')
  const role = await client.role('reader').create()
  await role.grant({ permission: 'Readwrite', range: client.range({ prefix: 'own/' }) })
  assert.equal((await role.permissions()).length, 1)
  const reader = await client.user('connor').create('pw')
  await reader.addRole(role)
  await client.auth.authEnable()
  const admin = new Etcd3({ hosts, auth: { username: 'root', password: 'rootpw' } })
  const connor = new Etcd3({ hosts, auth: { username: 'connor', password: 'pw' } })
  try {
    await connor.put('own/key').value('mine')
    assert.equal(await connor.get('own/key').string(), 'mine')
    await assert.rejects(connor.put('foo').value('not mine').exec(), EtcdPermissionDeniedError)
    await assert.rejects(client.get('own/key').string(), /user name is empty/)
    const stranger = new Etcd3({ hosts, auth: { username: 'connor', password: 'wrong' } })
    await assert.rejects(stranger.get('own/key').string(), /authentication failed/)
    stranger.close()
  } finally {
    await admin.auth.authDisable()
    admin.close()
    connor.close()
  }
  assert.deepEqual((await client.getRoles()).map(r => r.name).sort(), ['reader', 'root'])
  for (const u of await client.getUsers()) await u.delete()
  for (const r of [root, role]) await r.delete()
})

test('members', async () => {
  const { members } = await client.cluster.memberList({})
  assert.deepEqual(members.map(m => m.name), ['n1', 'n2', 'n3'])
  assert.equal((await client.maintenance.status()).version, '3.7.3')
})

test('the leader dies: writes go on elsewhere, and a watcher misses nothing', async () => {
  const patient = new Etcd3({
    hosts,
    faultHandling: {
      global: retry(handleWhen(err => isRecoverableError(err)), { maxAttempts: 20, backoff: new ExponentialBackoff() }),
      watchBackoff: new ExponentialBackoff({ initialDelay: 10, maxDelay: 100 }),
    },
    defaultCallOptions: () => ({ deadline: Date.now() + 2000 }),
  })
  try {
    const seen = []
    const watcher = await patient.watch().prefix('n/').create()
    watcher.on('put', kv => seen.push(Number(kv.value)))
    const written = []
    for (let i = 0; i < 60; i++) {
      if (i % 20 === 10) {
        const leader = ctl('wait', 'leader', 'within=10s').split(' ')[0]
        ctl('kill', leader)
        ctl('wait', 'leader', 'within=10s')
        ctl('restart', leader)
      }
      // A write whose fate is unknown is made again: the same value, at worst twice.
      for (;;) {
        try {
          await patient.put(`n/${i}`).value(i)
          break
        } catch (err) {
          if (!/DEADLINE|UNAVAILABLE|timed out|leader/i.test(String(err)) && !isRecoverableError(err)) throw err
        }
      }
      written.push(i)
    }
    await until(() => new Set(seen).size === written.length)
    assert.deepEqual([...new Set(seen)], written)
    assert.equal(await patient.getAll().prefix('n/').count(), written.length)
    await watcher.cancel()
  } finally {
    patient.close()
  }
})

// until waits for a condition.
async function until(holds) {
  for (let i = 0; i < 1000; i++) {
    if (holds()) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  assert.ok(holds(), `it never holds: ${holds}`)
}

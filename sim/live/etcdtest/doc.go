// Package etcdtest gives tests of applications a whole etcd cluster: real members
// in a simulated universe, which start in milliseconds, take the genuine client
// library, break when the test says so, and whose clock the test can turn.
//
//	func TestLeaderLoss(t *testing.T) {
//		cluster := etcdtest.Start(t, etcdtest.Options{})
//		client := cluster.Client()
//		...
//		cluster.Do("kill leader")        // any statement of the scenario language
//		cluster.Advance(time.Minute)     // leases expire, nobody sleeps
//	}
//
// When a test fails, the recording of all that entered the cluster stays behind, and
// the test says how to replay it.
//
// Time in the cluster passes as real time does, from one turn of the clock to the
// next. A client's own timers are real and do not turn along: a lease that the
// client library keeps alive expires when the clock is turned beyond its TTL,
// because the renewal does not come in time. That is what happens to a process
// that was stopped for so long.
package etcdtest

// Package universe is for stories that outgrow the scenario language: a cluster in a
// simulated universe, clients as straight-line code, faults and waits, written in
// Go and run by go test.
//
//	func TestCounting(t *testing.T) {
//		universe.Test(t, universe.Config{Describe: "cluster nodes=5", Seeds: 20}, func(t *testing.T, u *universe.Universe) {
//			leader := u.Leader(10 * time.Second)
//			counter := u.Client("counter", func(c *universe.Client) {
//				for i := range 50 {
//					c.Put("n", strconv.Itoa(i))
//				}
//			})
//			u.Sleep(200 * time.Millisecond)
//			u.Kill(leader)
//			u.Leader(10*time.Second, u.Others(leader)...)
//			u.Join(time.Minute, counter)
//		})
//	}
//
// # Model
//
// A story runs once for each seed, in a universe of its own. Virtual time passes only
// where it waits: in Sleep, Wait, Leader, Join and in statements that wait. Clients are
// coroutines; one runs at a time, and each of their calls lasts as long as the
// universe decides. Whatever happens is an event of the trace, and what clients asked
// and were answered is judged in the end by all judges, whether the story looks at it
// or not.
//
// What is awaited in vain or expected and not so ends the story where it stands, as in
// a scenario: its methods return no errors. A seed that fails is reported with what
// the judges say and with the command that does it again. ETCDSIM_BLAME=40 in its
// environment also finds the moments that decided: [Blame] forks a story's future as
// etcdsim blame does a scenario's.
//
// Stories are not shrunk. What there is to leave out is Go code, of which a run knows
// nothing: a fault that was left out would leave the code after it to wait for what
// never comes. A story that draws its faults from its seed is better told as a plan of
// the nemesis, which is a scenario and shrinks; and a session of a served universe is
// written down as one (etcdsim serve, package etcdtest).
//
// # What it never does
//
// It does not make Go code deterministic. A story must take time, random numbers and
// answers from the universe alone, and must not let the order of a map decide anything.
// Test runs the first seed twice to find out.
package universe

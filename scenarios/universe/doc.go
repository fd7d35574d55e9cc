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
// the judges say and with the command that does it again.
//
// # What it never does
//
// It does not make Go code deterministic. A story must take time, random numbers and
// answers from the universe alone, and must not let the order of a map decide anything.
// Test runs the first seed twice to find out.
package universe

package v2store_test

import (
	"fmt"

	"etcdsim/store"
	v2store "etcdsim/store/v2"
)

// Two members apply the same log. The one that was asked turns the result into
// an answer; both hold the same state.
func Example() {
	asked, other := v2store.New(), v2store.New()
	self := v2store.Member{ClusterID: 0xcafe, RaftIndex: 8, RaftTerm: 2}
	now := v2store.Epoch

	call := v2store.Parse(&store.HTTPRequest{
		Method: "PUT", Path: "/v2/keys/lock", Query: "prevExist=false&noValueOnSuccess=true", Body: "value=me&ttl=5",
	}, now, self)

	entry := call.Command.Append(nil) // what the log carries
	var result v2store.Result
	for _, member := range []*v2store.Store{other, asked} {
		command, err := v2store.DecodeCommand(entry)
		if err != nil {
			fmt.Println(err)
			return
		}
		result = member.Apply(command)
	}
	response := call.Reply(result, self)
	fmt.Printf("%d %s", response.Status, response.Body)
	fmt.Println("same state:", asked.Hash() == other.Hash())

	due, _ := asked.NextExpiration()
	for _, e := range asked.Apply(v2store.Sync(due)).Expired {
		fmt.Println(e.Action, e.Node.Key, "at index", e.Index())
	}
	// Output:
	// 201 {"action":"create"}
	// same state: true
	// expire /lock at index 2
}

package store

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func anyTexts(t *rapid.T, label string) []string {
	var texts []string
	for range rapid.IntRange(0, 3).Draw(t, label+"s") {
		texts = append(texts, anyKey(t, label))
	}
	return texts
}

func anyMemberRequest(t *rapid.T) Request {
	id := rapid.Uint64().Draw(t, "id")
	switch rapid.IntRange(0, 6).Draw(t, "member request") {
	case 0:
		return &MemberListRequest{Linearizable: rapid.Bool().Draw(t, "linearizable")}
	case 1:
		return &MemberAddRequest{PeerURLs: anyTexts(t, "url"), Learner: rapid.Bool().Draw(t, "learner")}
	case 2:
		return &MemberRemoveRequest{ID: id}
	case 3:
		return &MemberUpdateRequest{ID: id, PeerURLs: anyTexts(t, "url")}
	case 4:
		return &MemberPromoteRequest{ID: id}
	case 5:
		return &MemberPublishRequest{ID: id, Name: anyKey(t, "name"), ClientURLs: anyTexts(t, "url")}
	}
	return &MoveLeaderRequest{Target: id}
}

func TestMembersSurviveEncoding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var members []Member
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			members = append(members, Member{
				ID: rapid.Uint64().Draw(t, "id"), Name: anyKey(t, "name"), Learner: rapid.Bool().Draw(t, "learner"),
				ClientURLs: anyTexts(t, "client"), PeerURLs: anyTexts(t, "peer"),
			})
		}
		r := NewReader(string(AppendMembers(nil, members)))
		if got := ReadMembers(&r); r.End() != nil || !reflect.DeepEqual(got, members) {
			t.Fatalf("encoded %+v\ndecoded %+v, error %v", members, got, r.Err())
		}
	})
}

// The rules are those of types.NewURLs in etcd's client/pkg.
func TestMemberURLs(t *testing.T) {
	for _, c := range []struct {
		urls  []string
		valid bool
	}{
		{nil, false},
		{[]string{"http://n4:2380"}, true},
		{[]string{"https://10.0.0.1:2380", " http://n4:2380 "}, true},
		{[]string{"http://[::1]:2380"}, true},
		{[]string{"unix://n4.sock"}, true},
		{[]string{"http://n4:"}, true},
		{[]string{"http://n4"}, false},
		{[]string{"http://[::1]"}, false},
		{[]string{"http://n4:2380/"}, false},
		{[]string{"http://n4:2380/path"}, false},
		{[]string{"n4:2380"}, false},
		{[]string{"ftp://n4:2380"}, false},
		{[]string{"http://n4:port"}, false},
		{[]string{"http://n4:2380", ""}, false},
		{[]string{"://"}, false},
	} {
		err := Check(&MemberAddRequest{PeerURLs: c.urls}, 128)
		if c.valid && err != nil || !c.valid && err != ErrMemberBadURLs {
			t.Errorf("%q: got %v, want valid: %v", c.urls, err, c.valid)
		}
	}
}

func TestDescribeMembers(t *testing.T) {
	learner := Member{ID: 4, Learner: true}
	for _, c := range []struct {
		request Request
		result  Result
		want    string
	}{
		{&MemberListRequest{Linearizable: true}, &MembersResult{[]Member{{ID: 1}, learner}}, "members = n1, n4 (learner)"},
		{&MemberListRequest{}, &MembersResult{}, "members serializable"},
		{&MemberAddRequest{PeerURLs: []string{PeerURL(4)}, Learner: true}, &MemberAddResult{Member: learner}, "member add http://n4:2380 learner = n4 (learner)"},
		{&MemberRemoveRequest{ID: 2}, &MembersResult{[]Member{{ID: 1}}}, "member remove n2 = n1"},
		{&MemberUpdateRequest{ID: 2, PeerURLs: []string{"http://a:1"}}, nil, "member update n2 http://a:1"},
		{&MemberPromoteRequest{ID: 4}, nil, "member promote n4"},
		{&MemberPublishRequest{ID: 4, Name: "n4"}, &MemberPublishResult{}, "member n4 publish n4"},
		{&MoveLeaderRequest{Target: 3}, &MoveLeaderResult{}, "move leader to n3"},
	} {
		if got := DescribeAnswered(c.request, Response{Result: c.result}); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

package spelling

import "testing"

func TestDidYouMean(t *testing.T) {
	known := []string{"run", "list", "leader", "--seed", "--nodes"}
	for name, want := range map[string]string{
		"rnu": "run", "lst": "list", "lead": "leader", "leadre": "leader", "sede": "--seed", "node": "--nodes",
		"elephant": "", "nonsense": "", "l": "", "": "",
	} {
		if want != "" {
			want = " (did you mean " + want + "?)"
		}
		if got := DidYouMean(name, known); got != want {
			t.Errorf("DidYouMean(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "abc", 3},
		{"abc", "", 3},
		{"abc", "abc", 0},
		{"abc", "ac", 1},
		{"abc", "abxc", 1},
		{"abc", "axc", 1},
		{"abc", "acb", 1},
		{"abc", "cab", 2},
		{"ab", "ca", 2},
		{"ab", "bc", 2},
		{"kitten", "sitting", 3},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

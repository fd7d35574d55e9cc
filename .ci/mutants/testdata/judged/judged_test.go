package judged

import "testing"

func TestLate(t *testing.T) {
	if n, most := late(5, []int{1, 7, 9, 6}); n != 3 || most != 4 {
		t.Error(n, most)
	}
	if n, most := late(5, []int{3}); n != 0 || most != 0 {
		t.Error(n, most)
	}
}

func TestWrites(t *testing.T) {
	if !writes(put) || writes(get) {
		t.Error("put or get")
	}
}

func TestSteps(t *testing.T) {
	if steps(3) != 3 {
		t.Error("not 3")
	}
}

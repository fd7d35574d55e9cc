package sim

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, or of bytes a second.
type Size uint64

// sizeUnits are in the order in which String tries them.
var sizeUnits = []struct {
	name  string
	bytes uint64
}{
	{"GiB", 1 << 30},
	{"GB", 1e9},
	{"MiB", 1 << 20},
	{"MB", 1e6},
	{"KiB", 1 << 10},
	{"KB", 1e3},
	{"B", 1},
}

// ParseSize reads a whole number with an optional unit: B, KB, MB and GB are
// powers of 1000; KiB, MiB and GiB are powers of 1024.
func ParseSize(s string) (Size, error) {
	digits, unit := s, uint64(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			digits, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%q is not a size: expected a whole number of bytes with an optional unit (such as 512, 64KiB or 10MB)", s)
	}
	return Size(n * unit), nil
}

// String prints the size in the largest unit that divides it. ParseSize reads
// it back.
func (s Size) String() string {
	if s == 0 {
		return "0"
	}
	unit := sizeUnits[len(sizeUnits)-1]
	for _, u := range sizeUnits {
		if uint64(s)%u.bytes == 0 {
			unit = u
			break
		}
	}
	return strconv.FormatUint(uint64(s)/unit.bytes, 10) + unit.name
}

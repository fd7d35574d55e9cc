package sim

import (
	"fmt"
	"strconv"
	"strings"
)

// Ratio is a probability Num/Den in integers. The zero value is "never".
// Invariant of parsed values: 0 <= Num <= Den <= 1e9 and Den > 0.
type Ratio struct{ Num, Den uint32 }

// Percent returns n/100.
func Percent(n uint32) Ratio { return Ratio{n, 100} }

// maxDecimals bounds the digits after the point, which keeps Den within 1e9.
const maxDecimals = 7

// ParseRatio reads a probability written as a percentage ("0.5%", "20%"), a
// fraction ("1/200") or the numbers 0 and 1.
func ParseRatio(s string) (Ratio, error) {
	bad := func() (Ratio, error) {
		return Ratio{}, fmt.Errorf("%q is not a probability: expected 0%% to 100%% (such as 0.5%%) or a fraction (such as 1/200)", s)
	}
	switch s {
	case "0":
		return Ratio{0, 1}, nil
	case "1":
		return Ratio{1, 1}, nil
	}
	if num, den, ok := strings.Cut(s, "/"); ok {
		n, err1 := strconv.ParseUint(num, 10, 32)
		d, err2 := strconv.ParseUint(den, 10, 32)
		if err1 != nil || err2 != nil || d == 0 || n > d || d > 1e9 {
			return bad()
		}
		return reduce(n, d), nil
	}
	digits, ok := strings.CutSuffix(s, "%")
	if !ok {
		return bad()
	}
	whole, frac, dotted := strings.Cut(digits, ".")
	if len(frac) > maxDecimals || dotted && frac == "" || whole == "" {
		return bad()
	}
	den := uint64(100)
	for range frac {
		den *= 10
	}
	num, err := strconv.ParseUint(whole+frac, 10, 64)
	if err != nil || num > den {
		return bad()
	}
	return reduce(num, den), nil
}

// String prints the ratio in a form that ParseRatio reads back to an equal
// value: a percentage where that is exact, a fraction otherwise.
func (r Ratio) String() string {
	if r.Num == 0 {
		return "0%"
	}
	// In units of 1e-7 percent; 2^32 times 1e9 still fits.
	if scaled := uint64(r.Num) * 1e9; scaled%uint64(r.Den) == 0 {
		scaled /= uint64(r.Den)
		s := fmt.Sprintf("%d.%07d", scaled/1e7, scaled%1e7)
		return strings.TrimRight(strings.TrimRight(s, "0"), ".") + "%"
	}
	return fmt.Sprintf("%d/%d", r.Num, r.Den)
}

func reduce(n, d uint64) Ratio {
	a, b := n, d
	for b != 0 {
		a, b = b, a%b
	}
	return Ratio{uint32(n / a), uint32(d / a)}
}

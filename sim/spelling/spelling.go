// Package spelling finds what somebody may have meant by a name that there is not,
// for the texts of errors.
package spelling

import "strings"

// DidYouMean returns " (did you mean X?)" for the known name that is nearest, or
// nothing if none is near: one mistake in three characters is likely, more are not.
// Dashes before a known name do not count. Of equally near ones it is the first.
func DidYouMean(name string, known []string) string {
	nearest, least := "", (len(name)+2)/3+1
	for _, k := range known {
		if d := distance(name, strings.TrimLeft(k, "-")); d < least {
			nearest, least = k, d
		}
	}
	if nearest == "" {
		return ""
	}
	return " (did you mean " + nearest + "?)"
}

// distance is the least number of characters to insert, delete, replace or swap
// with their neighbour that makes a into b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(a)][len(b)]
}

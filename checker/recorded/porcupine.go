package recorded

import (
	"bytes"
	"strconv"
	"strings"
)

// judgePorcupine judges a log such as those of a Jepsen test of etcd in porcupine's
// test data: one register, and a compare-and-swap that failed has seen another value.
//
//	INFO  jepsen.util - 3	:invoke	:cas	[1 4]
func (r *reader) judgePorcupine() (Finding, error) {
	var events []event
	for i, line := range bytes.Split(r.data, []byte("\n")) {
		text := strings.TrimRight(string(line), "\r")
		if strings.TrimSpace(text) == "" {
			continue
		}
		rest, ok := strings.CutPrefix(text, "INFO")
		_, rest, found := strings.Cut(rest, "jepsen.util - ")
		fields := strings.Fields(rest)
		if !ok || !found || len(fields) < 4 {
			return Finding{}, r.fail(i+1, "%q: expected INFO  jepsen.util - PROCESS :TYPE :F VALUE", text)
		}
		process, err := strconv.ParseInt(fields[0], 10, 64)
		if err != nil {
			return Finding{}, r.fail(i+1, "%q: expected the number of a process", fields[0])
		}
		value := edn{r: &reader{r.file, []byte(strings.Join(fields[3:], " "))}, line: i + 1}
		v, err := value.value()
		if err != nil {
			return Finding{}, err
		}
		events = append(events, event{
			line: i + 1, process: process, kind: keyword(fields[1][1:]), f: keyword(fields[2][1:]), value: v,
		})
	}
	ops, err := r.pair(events)
	if err != nil {
		return Finding{}, err
	}
	for i := range ops {
		if ops[i].f == "cas" && ops[i].outcome == refused {
			ops[i].outcome, ops[i].output = done, false
		}
	}
	return r.judgeRegisters(ops)
}

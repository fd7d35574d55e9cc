package vitals

import (
	"fmt"
	"strings"
	"testing"
)

// Clients that say another version each time cost no more than some.
func TestVersionsAreBounded(t *testing.T) {
	var c Counters
	c.Asked(Client{Type: "unary", Version: "3.7"})
	c.Asked(Client{Type: "unary", Version: strings.Repeat("9", longVersion+1)})
	for i := range 10_000 {
		c.Asked(Client{Type: "stream", Version: fmt.Sprint(i)})
	}
	c.Asked(Client{Type: "unary", Version: "3.7"})
	var text strings.Builder
	c.write(&text)
	const name = "\netcd_server_client_requests_total{client_api_version="
	if n := strings.Count(text.String(), name); n > mostVersions+2 {
		t.Errorf("%d versions are told", n)
	}
	for _, want := range []string{
		name + `"3.7",type="unary"} 2` + "\n", name + `"0",type="stream"} 1` + "\n", name + `"other",type="unary"} 1` + "\n",
		fmt.Sprintf(`%s"other",type="stream"} %d`+"\n", name, 10_000-mostVersions+2),
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("expected %s", want)
		}
	}
}

package host_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The v3 API as JSON, as etcd's documentation shows it with curl.
func TestGateway(t *testing.T) {
	s := start(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var token string
	post := func(path, body string, wantStatus int, want ...string) string {
		t.Helper()
		req, err := http.NewRequestWithContext(soon(t), http.MethodPost, s.URLs()[1]+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			req.Header.Set("Authorization", token)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		text, _ := io.ReadAll(resp.Body)
		for _, w := range want {
			// JSON of protobuf has spaces or not, as it pleases.
			if resp.StatusCode != wantStatus || !strings.Contains(strings.ReplaceAll(string(text), " ", ""), w) {
				t.Errorf("%s %s: %d %s, want %d %s", path, body, resp.StatusCode, text, wantStatus, w)
			}
		}
		return string(text)
	}
	post("/v3/kv/put", `{"key":"Zm9v","value":"YmFy"}`, 200, `"revision":"2"`)
	post("/v3/kv/range", `{"key":"Zm9v"}`, 200, `"value":"YmFy"`, `"count":"1"`, `"create_revision":"2"`)
	post("/v3/kv/txn", `{"compare":[{"target":"CREATE","key":"Zm9v","createRevision":"2"}],`+
		`"success":[{"requestPut":{"key":"Zm9v","value":"YmF6"}}]}`, 200, `"succeeded":true`)
	post("/v3/lease/grant", `{"TTL":"60","ID":"7"}`, 200, `"ID":"7"`)
	post("/v3/kv/put", `{"key":""}`, 400, `"code":3`, "etcdserver:keyisnotprovided")
	post("/v3/kv/put", `{"key":`, 400, `"code":3`)
	post("/v3/kv/range", `{"key":"Zm9v","revision":"99"}`, 400, `"code":11`)
	post("/v3/kv/nothing", `{}`, 404, "NotFound")
	post("/v3/kv/put", `{"key":"Zm9v","value":"`+strings.Repeat("A", 5<<20)+`"}`, 400, "toolarge")
	post("/v3/cluster/member/list", `{}`, 200, `"name":"n3"`)
	post("/v3/maintenance/status", `{}`, 200, `"version":"3.7.3"`)
	post("/v3/election/campaign", `{"name":"ZQ==","value":"bWU="}`, 200, `"leader":{"name":"ZQ=="`)
	post("/v3/election/leader", `{"name":"ZQ=="}`, 200, `"value":"bWU="`)
	post("/v3/election/leader", `{"name":"Zg=="}`, 500, "election:noleader")
	held := post("/v3/lock/lock", `{"name":"bA=="}`, 200, `"key":"`)
	if !strings.Contains(held, base64.StdEncoding.EncodeToString([]byte("l/"))[:2]) {
		t.Errorf("the lock's key: %s", held)
	}

	post("/v3/auth/user/add", `{"name":"root","password":"pw"}`, 200, `"header"`)
	post("/v3/auth/role/add", `{"name":"root"}`, 200, `"header"`)
	post("/v3/auth/user/grant", `{"user":"root","role":"root"}`, 200, `"header"`)
	post("/v3/auth/enable", `{}`, 200, `"header"`)
	post("/v3/kv/range", `{"key":"Zm9v"}`, 400, "usernameisempty")
	answer := post("/v3/auth/authenticate", `{"name":"root","password":"pw"}`, 200, `"token"`)
	_, rest, _ := strings.Cut(strings.ReplaceAll(answer, " ", ""), `"token":"`)
	token, _, _ = strings.Cut(rest, `"`)
	post("/v3/kv/range", `{"key":"Zm9v"}`, 200, `"value":"YmF6"`)
	post("/v3/auth/disable", `{}`, 200, `"header"`)
}

// A watch over the gateway is a line for each message.
func TestGatewayStreams(t *testing.T) {
	s := start(t)
	c := s.client(s.Endpoints()[0])
	put, err := c.Put(soon(t), "foo", "bar")
	if err != nil {
		t.Fatal(err)
	}
	body := fmt.Sprintf(`{"create_request":{"key":"Zm9v","start_revision":"%d"}}`, put.Header.Revision)
	req, err := http.NewRequestWithContext(soon(t), http.MethodPost, s.URLs()[0]+"/v3/watch", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var seen strings.Builder
	buf := make([]byte, 1<<12)
	for !strings.Contains(seen.String(), `"YmFy"`) {
		n, err := resp.Body.Read(buf)
		seen.Write(buf[:n])
		if err != nil {
			t.Fatalf("%v after %s", err, &seen)
		}
	}
	if text := seen.String(); !strings.Contains(text, `"created":true`) || strings.Count(text, "\n") < 2 {
		t.Errorf("got %s", text)
	}
}

// Both sides speak by turns on one connection, over HTTP/1 and HTTP/2: no message is lost
// or waits for the end.
func TestGatewayDialogue(t *testing.T) {
	k := newKeyring(t)
	plain, secure := start(t), startSecured(t, k.info)
	for name, tt := range map[string]struct {
		url    string
		client *http.Client
	}{
		"HTTP/1": {plain.URLs()[0], http.DefaultClient},
		"HTTP/2": {secure.URLs()[0], browser(t, k.trust(), true)},
	} {
		t.Run(name, func(t *testing.T) {
			body, says := io.Pipe()
			ctx := soon(t)
			context.AfterFunc(ctx, func() { _ = says.CloseWithError(ctx.Err()) })
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, tt.url+"/v3/lease/keepalive", body)
			if err != nil {
				t.Fatal(err)
			}
			say := func(id int) {
				if _, err := fmt.Fprintf(says, `{"ID":"%d"}`, id); err != nil {
					t.Error(err)
				}
			}
			go say(1)
			resp, err := tt.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			hears := bufio.NewScanner(resp.Body)
			for id := 1; id <= 3; id++ {
				if id > 1 {
					say(id)
				}
				if want := fmt.Sprintf(`"ID":"%d"`, id); !hears.Scan() || !strings.Contains(hears.Text(), want) {
					t.Fatalf("heard %s, %v; want %s", hears.Text(), hears.Err(), want)
				}
			}
			_ = says.Close()
			if hears.Scan() || hears.Err() != nil {
				t.Errorf("afterwards: %s, %v", hears.Text(), hears.Err())
			}
		})
	}
}

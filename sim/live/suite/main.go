// Command suite serves clusters on request, for test suites that want to begin
// with a cluster of their own: etcd's, above all, whose framework it takes no more
// than these six calls to point at members elsewhere.
//
//	POST   /cluster {size, flags}                        a new cluster: {id, members: [{name, client, peer_url}]}
//	POST   /cluster/ID/reserve                           a name and an address for a member that will be added
//	POST   /cluster/ID/member {name, members}            start the member that was added
//	POST   /cluster/ID/member/NAME/stop[?graceful=1]     end a member's process; .../start starts it again
//	POST   /cluster/ID/partition {pairs, cut}            cut the links between members, or heal them
//	DELETE /cluster/ID                                   end the cluster
//
// It is for tests, and for this machine: it has no limits and asks nobody who they
// are.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"etcdsim/scenarios"
	"etcdsim/sim/cluster"
	"etcdsim/sim/live/flags"
	"etcdsim/sim/live/host"
	"etcdsim/store"
)

func main() {
	address := flag.String("listen", "127.0.0.1:23999", "address of this service")
	flag.Parse()
	s := &service{clusters: make(map[string]*served)}
	server := &http.Server{Addr: *address, Handler: s.routes(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// service holds the clusters that run.
type service struct {
	mu       sync.Mutex
	clusters map[string]*served
	count    uint64
}

// served is one cluster.
type served struct {
	*host.Host
	// cleanup removes files that were made for it.
	cleanup func()
	// reserved counts the members that were reserved beyond those that joined.
	reserved uint64
}

// member is a member as callers see it.
type member struct {
	Name    string `json:"name"`
	Client  string `json:"client"`
	PeerURL string `json:"peer_url"`
}

func (c *served) member(id uint64) member {
	return member{store.MemberName(id), c.Address(id), store.PeerURL(id)}
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /cluster", s.create)
	mux.HandleFunc("POST /cluster/{id}/reserve", s.with(func(c *served, _ *http.Request) (any, error) { return c.reserve() }))
	mux.HandleFunc("POST /cluster/{id}/member", s.with(join))
	mux.HandleFunc("POST /cluster/{id}/member/{name}/{verb}", s.with(turn))
	mux.HandleFunc("POST /cluster/{id}/partition", s.with(partition))
	mux.HandleFunc("DELETE /cluster/{id}", s.end)
	return mux
}

func reply(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(v)
}

// with finds the cluster of a call.
func (s *service) with(do func(*served, *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		c := s.clusters[r.PathValue("id")]
		s.mu.Unlock()
		if c == nil {
			http.Error(w, "no such cluster", http.StatusNotFound)
			return
		}
		v, err := do(c, r)
		reply(w, v, err)
	}
}

func (s *service) create(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Size  int
		Flags map[string]string
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.count++
	seed := s.count
	s.mu.Unlock()
	cfg, cleanup, err := configure(asked.Flags)
	if err != nil {
		cleanup()
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	cfg.Seed = seed
	cfg.Options.Settings = append(cfg.Options.Settings, scenarios.Setting{Section: "cluster", Name: "nodes", Value: strconv.Itoa(asked.Size)})
	h, err := host.Start(cfg)
	if err != nil {
		cleanup()
		reply(w, nil, err)
		return
	}
	c := &served{Host: h, cleanup: cleanup}
	var out struct {
		ID      string   `json:"id"`
		Members []member `json:"members"`
	}
	out.ID = strconv.FormatUint(seed, 10)
	for id := 1; id <= asked.Size; id++ {
		out.Members = append(out.Members, c.member(uint64(id)))
	}
	s.mu.Lock()
	s.clusters[out.ID] = c
	s.mu.Unlock()
	reply(w, out, nil)
}

func (s *service) end(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	c := s.clusters[r.PathValue("id")]
	delete(s.clusters, r.PathValue("id"))
	s.mu.Unlock()
	if c == nil {
		http.Error(w, "no such cluster", http.StatusNotFound)
		return
	}
	err := c.Close()
	c.cleanup()
	reply(w, "ended", err)
}

// configure returns the settings that etcd's flags ask for. Members tick ten times as
// fast as by default, as in etcd's own tests.
// cleanup removes files that were made for them.
func configure(asked map[string]string) (cfg host.Config, cleanup func(), err error) {
	cleanup = func() {}
	cfg.Speed = 1
	cfg.Address = func(uint64) string { return "127.0.0.1:0" }
	cfg.Options.Settings = []scenarios.Setting{{Section: "node", Name: "tick", Value: "10ms"}}
	names := make([]string, 0, len(asked))
	for name := range asked {
		names = append(names, name)
	}
	slices.Sort(names)
	var s flags.Settings
	for _, name := range names {
		if _, err := s.Set(name, asked[name]); err != nil {
			return cfg, cleanup, fmt.Errorf("--%s: %w", name, err)
		}
	}
	cleanup, err = s.Apply(&cfg, []string{"localhost", "127.0.0.1"})
	return cfg, cleanup, err
}

// reserve names the next member.
func (c *served) reserve() (member, error) {
	var size uint64
	err := c.Driver.Inspect(context.Background(), func(u *cluster.Cluster) { size = uint64(u.Size()) })
	if err != nil {
		return member{}, err
	}
	c.reserved = max(c.reserved, size) + 1
	_, err = c.Reserve(c.reserved)
	return c.member(c.reserved), err
}

// join starts the member that was added under a reserved address.
func join(c *served, r *http.Request) (any, error) {
	var asked struct{ Name string }
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	reserved, err := strconv.ParseUint(strings.TrimPrefix(asked.Name, "n"), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%q was not reserved", asked.Name)
	}
	var id uint64
	err = c.Driver.Inspect(r.Context(), func(u *cluster.Cluster) {
		for _, m := range u.Roster() {
			if slices.Contains(m.PeerURLs, store.PeerURL(reserved)) {
				id = m.ID
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if id == 0 {
		return nil, fmt.Errorf("%s was not added", asked.Name)
	}
	_, err = c.Do(r.Context(), "start "+store.MemberName(id))
	return c.member(id), err
}

// turn stops and starts a member.
func turn(c *served, r *http.Request) (any, error) {
	name := r.PathValue("name")
	verb := r.PathValue("verb")
	if verb == "stop" && r.URL.Query().Get("graceful") == "" {
		verb = "kill"
	}
	if _, err := c.Do(r.Context(), verb+" "+name); err != nil || verb != "stop" {
		return name, err
	}
	// A leader hands over first, which takes a moment.
	id, err := strconv.ParseUint(strings.TrimPrefix(name, "n"), 10, 64)
	if err != nil {
		return nil, err
	}
	for {
		all, err := c.Driver.Conditions(r.Context())
		if err != nil || !all[id-1].Up {
			c.Settle()
			return name, err
		}
		time.Sleep(time.Millisecond)
	}
}

// partition cuts and heals links.
func partition(c *served, r *http.Request) (any, error) {
	var asked struct {
		Pairs [][2]string
		Cut   bool
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		return nil, err
	}
	verb := "heal"
	if asked.Cut {
		verb = "cut"
	}
	for _, p := range asked.Pairs {
		for _, way := range [][2]string{p, {p[1], p[0]}} {
			if _, err := c.Do(r.Context(), verb+" "+way[0]+" -> "+way[1]); err != nil {
				return nil, err
			}
		}
	}
	return "done", nil
}

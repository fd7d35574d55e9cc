package etcdsim_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A room is a package of this project and what it may import: of the rooms only
// earlier rows (the arrows go one way, up in this list and down in the design), of
// other modules only those named here, of the standard library everything that
// the rules of the core do not ban.
type room struct {
	// path of the package below the module; with the suffix "/..." every package
	// below it as well.
	path string
	// imports are paths of rooms and import paths of modules. The word "above"
	// means every room before this one.
	imports []string
	// tests may import these besides, and testModules.
	tests []string
	// edge is set outside the deterministic core: goroutines, clocks and
	// sockets are at home there.
	edge bool
	// why the row is as it is.
	why string
}

// Modules of others.
const (
	raftLib    = "go.etcd.io/raft/v3"
	protobuf   = "google.golang.org/protobuf/proto"
	btree      = "github.com/google/btree"
	bcrypt     = "golang.org/x/crypto/bcrypt"
	porcupine  = "github.com/anishathalye/porcupine"
	etcdAPI    = "go.etcd.io/etcd/api/v3"
	etcdClient = "go.etcd.io/etcd/client/v3"
	zapLib     = "go.uber.org/zap"
	grpcLib    = "google.golang.org/grpc"
	jwtLib     = "github.com/golang-jwt/jwt/v5"
	yamlLib    = "go.yaml.in/yaml/v3"
	// etcdFlags reads etcd's settings of TLS, and etcdTLS the files that they name.
	etcdFlags = "go.etcd.io/etcd/client/pkg/v3"
	etcdTLS   = "go.etcd.io/etcd/client/pkg/v3/transport"
	// grpcGateway is what etcd's API module generates its JSON mapping for.
	grpcGateway = "github.com/grpc-ecosystem/grpc-gateway/v2"
	// protobufAll is the library with its reflection.
	protobufAll = "google.golang.org/protobuf"
	cliLib      = "github.com/urfave/cli/v2"
	everything  = "everything"
)

// testModules are at every test's disposal.
var testModules = []string{
	"pgregory.net/rapid",
	"github.com/cockroachdb/datadriven",
	"github.com/rogpeppe/go-internal/testscript",
	"github.com/pmezard/go-difflib",
	"github.com/creack/pty",
	"github.com/joshdk/go-junit",
}

// rooms is the import table.
var rooms = []room{
	{
		path: ".", tests: []string{everything}, edge: true,
		why: "the root holds documents and the tests of the house, no code",
	},
	{
		path: "sim/spelling",
		why:  "words, for errors of every room",
	},
	{
		path: "sim", imports: []string{"sim/spelling"},
		why: "the kernel knows nothing of what is simulated, so that it can be read alone",
	},
	{
		path: "sim/trace", imports: []string{"sim"}, tests: []string{raftLib},
		why: "events are flat numbers: whoever writes or reads them needs no other package",
	},
	{
		path: "sim/bug", imports: []string{"sim/spelling"},
		why: "a catalogue; the defects themselves stand where they belong",
	},
	{
		path: "network", imports: []string{"sim", "sim/trace"},
		why: "decides the fate of packets whose contents it never sees",
	},
	{
		path: "store",
		why:  "the vocabulary, which members and checkers share; meaning is given elsewhere",
	},
	{
		path: "store/conformance", imports: []string{"store"}, edge: true,
		why: "reads recordings of a real etcd into the vocabulary, for tests, as files; no store may be involved in that",
	},
	{
		path: "store/bolt",
		why:  "pages and trees in a file; what the keys mean is said elsewhere",
	},
	{
		path: "store/saved", imports: []string{"store", "store/bolt"}, tests: []string{etcdAPI, protobufAll},
		why: "a state as a value and in etcd's schema, for those who make one, take one over or judge what began with one",
	},
	{
		path: "store/saved/files", imports: []string{"store/saved"}, edge: true,
		why: "knows where files are, which nobody in a simulation does",
	},
	{
		path: "store/mvcc", imports: []string{"store", "store/saved", "sim/bug", btree, bcrypt}, tests: []string{"sim", "store/conformance"},
		why: "a pure function of the log: it has no clock, no disk and no dice",
	},
	{
		path: "store/v2", imports: []string{"store"}, tests: []string{"store/conformance"},
		why: "the older data models; likewise a pure function of the log",
	},
	{
		path: "store/membership", imports: []string{"store", "sim/bug"},
		why: "who belongs to the cluster, a pure function of the log",
	},
	{
		path: "store/disk", imports: []string{"sim", "sim/trace"},
		why: "a device stores bytes and does not know whose",
	},
	{
		path: "store/record",
		why:  "frames bytes in files; what they mean is said by whoever keeps the file",
	},
	{
		path: "store/wal", imports: []string{"sim", "sim/trace", "store/disk", "store/record", raftLib, protobuf},
		why: "keeps raft's log on a disk; what the entries carry is none of its business",
	},
	{
		path: "store/backend", imports: []string{"sim", "sim/trace", "store/disk", "store/record"},
		why: "keeps the state of a store on a disk; what the bytes of a state mean is none of its business",
	},
	{
		path: "node",
		imports: []string{
			"sim", "sim/trace", "sim/bug", "store", "store/saved", "store/mvcc", "store/v2", "store/membership", "store/disk",
			"store/wal", "store/backend", raftLib, protobuf,
		},
		why: "a member calls no one: its outputs are carried by the cluster, so it may not know network, cluster or clients",
	},
	{
		path: "checker/history", imports: []string{"sim", "store", "store/saved"},
		why: "what a run leaves to the judges, whoever recorded it",
	},
	{
		path: "checker", imports: []string{"checker/history", "sim", "sim/trace", "store", "store/saved", porcupine},
		tests: []string{"store/conformance"},
		why:   "the judges' model and the members' store must not share a defect: never store/mvcc, never node",
	},
	{
		path: "checker/recorded", imports: []string{"checker", "checker/history", "sim", "store", porcupine},
		why: "files from elsewhere; what it judges them by is the checker's",
	},
	{
		path: "sim/cluster/floor", imports: []string{raftLib},
		why: "what benchmarks are measured against: raft alone, and the real clock; for tests",
	},
	{
		path: "sim/cluster",
		imports: []string{
			"sim", "sim/trace", "sim/bug", "network", "store", "store/saved", "store/mvcc", "store/v2", "store/membership",
			"store/disk", "store/wal", "node", "checker/history", raftLib, protobuf,
		},
		tests: []string{"checker", "store/conformance", "sim/cluster/floor"},
		why:   "the only router: it owns queue, members, disks and network, and judges nothing",
	},
	{
		path: "sim/outside", imports: []string{"sim", "sim/trace", "sim/cluster", "node", "store", "checker/history"},
		why: "where requests enter that no client drew; whoever plays a session needs it, and whoever serves one",
	},
	{
		path:    "scenarios/workload",
		imports: []string{"sim", "sim/trace", "sim/bug", "network", "store", "checker/history", "node", "sim/cluster"},
		why:     "clients see requests and what comes back (a node.Answer); no store, no disk, no judge",
	},
	{
		path: "scenarios",
		imports: []string{
			"sim", "sim/spelling", "sim/trace", "sim/bug", "network", "store", "store/saved", "store/disk", "node", "checker/history",
			"checker", "sim/cluster", "sim/outside", "scenarios/workload",
		},
		tests: []string{"above"},
		why:   "puts a whole run together from what the rooms below offer to everyone",
	},
	{
		path: "scenarios/lint", imports: []string{"scenarios"},
		why: "reads scenarios and runs none",
	},
	{
		path: "scenarios/nemesis", imports: []string{"scenarios", "sim", "node"}, tests: []string{"sim/trace"},
		why: "draws scenarios and counts what became of them; it acts only through the language",
	},
	{
		path: "scenarios/report", imports: []string{"scenarios", "checker", "checker/history", "sim", "sim/trace", "sim/bug", "store"},
		why: "tells what happened from the result and the trace alone",
	},
	{
		path: "scenarios/report/chronicle", imports: []string{"sim", "sim/trace"}, tests: []string{"scenarios"},
		why: "what pictures are drawn from is in the trace, or it did not happen",
	},
	{
		path: "scenarios/learn",
		imports: []string{
			"scenarios", "scenarios/report/chronicle", "checker", "checker/history", "sim", "sim/trace", "sim/bug", "store",
		},
		why: "a course is made of a run and what it left; it knows no terminal and no page",
	},
	{
		path: "scenarios/report/page",
		imports: []string{
			"scenarios", "scenarios/report", "scenarios/report/chronicle", "scenarios/learn", "checker", "checker/history", "sim",
			"sim/trace", "sim/bug", "store",
		},
		why: "a picture of a result and its chronicle; it judges nothing, and tells what judges found",
	},
	{
		path: "scenarios/blame", imports: []string{"scenarios", "scenarios/report", "sim", "sim/trace"}, tests: []string{"sim/bug"},
		why: "compares futures of a run by their results; how a run is made is none of its business",
	},
	{
		path: "scenarios/shrink", imports: []string{"scenarios"}, tests: []string{"sim/bug"},
		why: "takes words from scenarios and looks at results; what statements mean is the language's business",
	},
	{
		path: "scenarios/playground",
		imports: []string{
			"scenarios", "scenarios/learn", "scenarios/report", "scenarios/report/chronicle", "scenarios/report/page", "sim", "sim/bug",
			"sim/trace", "sim/cluster", "store", "store/saved",
		},
		why: "a session that a page or a program drives: requests in, frames out; it acts only through the language",
	},
	{
		path:    "scenarios/playground/web",
		imports: []string{"scenarios", "scenarios/playground", "scenarios/learn", "scenarios/report/page", "sim/bug"},
		why:     "the page of a session: files, and what they must know of the language and the lessons",
	},
	{
		path: "scenarios/report/export",
		imports: []string{
			"scenarios", "scenarios/report", "scenarios/report/chronicle", "checker", "checker/history", "checker/recorded", "sim",
			"sim/trace", "store", porcupine,
		},
		tests: []string{"scenarios/report/page", "sim/bug"},
		why:   "other tools' formats, from the result and its chronicle",
	},
	{
		path:    "scenarios/step",
		imports: []string{"scenarios", "scenarios/report", "sim", "sim/trace", "sim/cluster", "store"},
		why:     "walks through a run and looks into it; lines in, text out, and no terminal",
	},
	{
		path: "scenarios/universe",
		imports: []string{
			"scenarios", "scenarios/report", "scenarios/blame", "scenarios/workload", "checker/history", "sim", "sim/trace", "sim/bug",
			"sim/cluster", "store", "store/saved", "store/saved/files",
		},
		edge: true,
		why:  "stories in Go meet go test here: its flags, its environment and the places of failures are outside of any universe",
	},
	{
		path: "sim/live", imports: []string{"sim", "sim/trace", "sim/cluster", "sim/outside", "node", "store"}, edge: true,
		tests: []string{"above"},
		why:   "where the outside world enters; it speaks no protocol, and nothing below may know of it",
	},
	{
		path: "sim/live/vitals", imports: []string{"sim/live", "sim/cluster", "store"}, edge: true,
		why: "reads a member off and asks it like a client",
	},
	{
		path: "sim/live/older", imports: []string{"sim/live", "store"}, edge: true,
		why: "carries the older APIs; the members give them their meaning",
	},
	{
		path: "sim/live/token", imports: []string{"store", jwtLib}, tests: []string{"sim/live/pki"}, edge: true,
		why: "signs and verifies what members claim and believe; it knows no universe",
	},
	{
		path: "sim/live/pki", edge: true,
		why: "makes certificates, for whoever wants to try TLS",
	},
	{
		path: "sim/live/rpc", edge: true,
		imports: []string{"sim/live", "sim/live/vitals", "sim/live/token", "sim/cluster", "store", etcdAPI, grpcLib, protobufAll, bcrypt},
		why:     "translates etcd's v3 API; the simulation is behind sim/live",
	},
	{
		path: "sim/live/gateway", imports: []string{"sim/live/rpc", etcdAPI, grpcLib, grpcGateway, protobufAll}, edge: true,
		why: "translates JSON for the gRPC server of a member, and knows no universe",
	},
	{
		path: "sim/live/endpoint", imports: []string{"sim/live", "store", grpcLib}, tests: []string{"sim/live/pki"}, edge: true,
		why: "opens and closes addresses; what is said there it does not know",
	},
	{
		path: "sim/live/host", edge: true,
		imports: []string{
			"sim/live", "sim/live/endpoint", "sim/live/gateway", "sim/live/vitals", "sim/live/older", "sim/live/rpc",
			"sim/live/token", "sim", "sim/trace", "sim/cluster", "scenarios", "store", "store/saved", grpcLib, etcdTLS,
		},
		tests: []string{"above", etcdClient, etcdAPI, zapLib, protobufAll, jwtLib},
		why:   "puts a driver and its endpoints together",
	},
	{
		path: "sim/live/flags", edge: true,
		imports: []string{"sim/live/host", "sim/live/rpc", "sim/live/token", "scenarios", etcdFlags, zapLib, yamlLib},
		why:     "reads etcd's settings; what comes of them happens in a host and its members",
	},
	{
		path: "sim/live/loopback", edge: true,
		why: "tells this machine from others; what is served it does not know",
	},
	{
		path: "sim/live/control", imports: []string{"sim/live/host", "sim/live/loopback", "sim/cluster", "sim/trace"}, edge: true,
		why: "carries words to a host; their meaning is given in scenarios",
	},
	{
		path: "sim/live/etcdtest", edge: true,
		imports: []string{
			"sim/live/host", "sim/live/control", "sim/live/flags", "sim/live/pki", "scenarios", "store", "store/saved/files",
			etcdClient, zapLib,
		},
		tests: []string{"above", etcdAPI},
		why:   "what applications test with: a host and the client library",
	},
	{
		path: "sim/live/suite", edge: true,
		imports: []string{"sim/live/host", "sim/live/flags", "sim/cluster", "scenarios", "store"},
		why:     "clusters on request, for test suites of others",
	},
	{
		path: "cmd/etcdsim/...", imports: []string{everything}, edge: true,
		why: "the command ties everything together",
	},
	{
		path: ".ci/mutants", edge: true,
		why: "breaks packages to ask their tests, and runs go; the project is its input, no part of it",
	},
}

// roomOf returns the row of a folder: its own if it has one, otherwise the one
// that covers it.
func roomOf(folder string) *room {
	i := slices.IndexFunc(rooms, func(r room) bool { return r.path == folder })
	if i < 0 {
		i = slices.IndexFunc(rooms, func(r room) bool {
			below, ok := strings.CutSuffix(r.path, "/...")
			return ok && (folder == below || strings.HasPrefix(folder, below+"/"))
		})
	}
	if i < 0 {
		return nil
	}
	return &rooms[i]
}

// floor returns the place of a room in the table, from 0.
func floor(r *room) int {
	return slices.IndexFunc(rooms, func(o room) bool { return o.path == r.path })
}

// allows reports whether the list covers an import path.
func (r *room) allows(list []string, path string) bool {
	local, isLocal := strings.CutPrefix(path, module+"/")
	for _, allowed := range list {
		switch {
		case allowed == everything:
			return true
		case allowed == "above" && isLocal:
			if to := roomOf(local); to != nil && floor(to) < floor(r) {
				return true
			}
		case isLocal && allowed == local,
			!isLocal && (path == allowed || strings.HasPrefix(path, allowed+"/")):
			return true
		}
	}
	return false
}

// checkImports holds every file's imports against the table.
func (t *tree) checkImports() []finding {
	var found []finding
	for _, f := range t.files {
		if f.ast == nil {
			continue
		}
		r := roomOf(f.room())
		if r == nil {
			found = append(found, t.at(f.ast.Package, "rooms",
				"%s is not in the import table: give it a row in imports_test.go and a line in ARCHITECTURE.md", f.room()))
			continue
		}
		for _, spec := range f.ast.Imports {
			path, _ := strconv.Unquote(spec.Path.Value)
			local, isLocal := strings.CutPrefix(path, module+"/")
			first, _, _ := strings.Cut(path, "/")
			switch {
			case !isLocal && !strings.Contains(first, "."): // standard library
				continue
			case isLocal && roomOf(local) == r: // a room's own tests, and what one row covers
				continue
			case r.allows(r.imports, path), f.isTest() && (r.allows(r.tests, path) || r.allows(testModules, path)):
				continue
			}
			instead := "take what is needed as an argument, or move it to a room that both may import"
			switch {
			case !isLocal:
				instead = "do it in a room that may, or add it to the row with a reason"
			case roomOf(local) != nil && floor(roomOf(local)) > floor(r):
				instead = "that room stands above it; take what is needed as an argument, or move it below both"
			}
			found = append(found, t.at(spec.Pos(), "imports", "%s must not import %s (%s): %s", f.room(), path, r.why, instead))
		}
	}
	return found
}

func TestImports(t *testing.T) {
	report(t, projectTree(t).checkImports())
}

// TestImportTable: the table itself has no arrow upwards, no row twice and no
// row without a reason.
func TestImportTable(t *testing.T) {
	for i, r := range rooms {
		if r.why == "" {
			t.Errorf("row %s gives no reason", r.path)
		}
		if floor(&r) != i {
			t.Errorf("row %s stands twice in the table", r.path)
		}
		for _, to := range r.imports {
			if j := slices.IndexFunc(rooms, func(o room) bool { return o.path == to }); j >= i {
				t.Errorf("row %s may import %s, which stands above it: arrows go one way", r.path, to)
			} else if first, _, _ := strings.Cut(to, "/"); j < 0 && to != "above" && to != everything && !strings.Contains(first, ".") {
				t.Errorf("row %s may import %s, which has no row", r.path, to)
			}
		}
	}
	for _, ban := range [][2]string{
		{"checker", "store/mvcc"},
		{"checker", "node"},
		{"checker", "sim/cluster"},
		{"node", "network"},
		{"store", "store/mvcc"},
		{"sim", "sim/trace"},
		{"scenarios", "sim/live"},
	} {
		if r := roomOf(ban[0]); r.allows(r.imports, module+"/"+ban[1]) {
			t.Errorf("the table lets %s import %s", ban[0], ban[1])
		}
	}
}

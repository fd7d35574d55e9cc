package etcdsim_test

import (
	"go/ast"
	"go/build"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The rules of the core. Whatever happens in a run must follow from its seed and
// its scenario, on every machine, with other runs beside it in the same process.
// Tests and benchmarks are free; so are the rooms at the edge (sim/live, cmd),
// which live among clocks and goroutines.

// A ban forbids something and says what to do instead.
type ban struct{ rule, instead string }

// bannedPackages must not be imported by the core, nor packages below them.
var bannedPackages = map[string]ban{
	"context":       {"parallel", "a deadline is a virtual time: pass a sim.Time"},
	"crypto/rand":   {"random", "draw from a sim.Rand that belongs to the component"},
	"hash/maphash":  {"random", "its seed differs from run to run: use sim.Hash"},
	"log":           {"print", "emit a trace event or return an error"},
	"math/rand":     {"random", "draw from a sim.Rand that belongs to the component"},
	"net":           {"outside", "packets go through package network; sockets belong to sim/live"},
	"os":            {"outside", "take bytes or a value as an argument; cmd reads files and environment"},
	"path/filepath": {"outside", "separators depend on the machine: use package path"},
	"plugin":        {"outside", "link the code in"},
	"runtime":       {"outside", "what it tells differs between machines and runs"},
	"sync/atomic":   {"parallel", "a simulation is single-threaded: use a plain variable"},
	"syscall":       {"outside", "leave the operating system to cmd and sim/live"},
	"testing":       {"outside", "move test support to a _test.go file or a room of its own"},
	"unique":        {"outside", "handles are addresses: compare the values"},
	"unsafe":        {"unsafe", "write it without; the one place that cannot is node/inside.go"},
	"weak":          {"outside", "what is still reachable depends on the collector: drop references yourself"},
}

// pure are packages below banned ones that only compute.
var pure = []string{"net/netip", "net/textproto", "net/url"}

const (
	noPrint = "emit a trace event, or write to an io.Writer that was passed in"
	noWait  = "push an event for later onto the sim.Queue"
	noLock  = "a simulation is single-threaded: leave it out; sweeps run one whole simulation per worker"
	noKeys  = "the order of a map differs from run to run: pass it directly to slices.Sorted, or explain in " + unordered + " why"
)

// bannedNames are functions, types and methods, by the package that declares
// them, whatever name they are imported under.
var bannedNames = map[string]ban{
	"builtin.print":   {"print", noPrint},
	"builtin.println": {"print", noPrint},
	"fmt.Print":       {"print", noPrint},
	"fmt.Printf":      {"print", noPrint},
	"fmt.Println":     {"print", noPrint},
	"fmt.Scan":        {"outside", "read from an io.Reader that was passed in"},
	"fmt.Scanf":       {"outside", "read from an io.Reader that was passed in"},
	"fmt.Scanln":      {"outside", "read from an io.Reader that was passed in"},

	"reflect.Select":         {"parallel", "push events onto the sim.Queue"},
	"reflect.Value.MapKeys":  {"map order", "range over the map itself, with sorted keys"},
	"reflect.Value.MapRange": {"map order", "range over the map itself, with sorted keys"},
	"reflect.Value.Seq":      {"map order", "range over the value itself; over a map with sorted keys"},
	"reflect.Value.Seq2":     {"map order", "range over the value itself; over a map with sorted keys"},
	"reflect.Value.Pointer":  {"outside", "addresses differ from run to run: compare the values"},

	"sync.Cond":      {"parallel", noLock},
	"sync.Locker":    {"parallel", noLock},
	"sync.Map":       {"parallel", noLock},
	"sync.Mutex":     {"parallel", noLock},
	"sync.Pool":      {"parallel", "what it holds depends on the collector: keep a free list in the owner"},
	"sync.RWMutex":   {"parallel", noLock},
	"sync.WaitGroup": {"parallel", noLock},

	"time.After":        {"clock", noWait},
	"time.AfterFunc":    {"clock", noWait},
	"time.LoadLocation": {"outside", "zones depend on the machine: use time.UTC"},
	"time.Local":        {"outside", "zones depend on the machine: use time.UTC"},
	"time.NewTicker":    {"clock", noWait},
	"time.NewTimer":     {"clock", noWait},
	"time.Now":          {"clock", "take the time as an argument, a sim.Time"},
	"time.Since":        {"clock", "subtract two sim.Times"},
	"time.Sleep":        {"clock", noWait},
	"time.Tick":         {"clock", noWait},
	"time.Until":        {"clock", "subtract two sim.Times"},
}

// mapWalks visit the entries of a map in no particular order.
var mapWalks = []string{"maps.All", "maps.DeleteFunc", "maps.Keys", "maps.Values"}

// sorters put elements into an order that depends on nothing but the elements.
var sorters = []string{"slices.Sort", "slices.Sorted", "sort.Ints", "sort.Strings"}

// unordered starts the comment that explains, on the line or the one above, why
// the order of a map does not matter there. A space before it is as good.
const unordered = "//unordered:"

// exceptions are single uses of what is banned: file, then package or name. Each
// says why it does no harm.
var exceptions = map[[2]string]string{
	{"node/inside.go", "unsafe"}:                  "raft lets nobody choose its election timeouts, nor see what is ready without garbage",
	{"scenarios/play.go", "runtime/debug"}:        "the stack of a panic, shown to people; neither trace nor verdict depends on it",
	{"sim/cluster/breakdown.go", "runtime/debug"}: "likewise, of a member's panic",

	{"sim/cluster/floor/measure.go", "time.Now"}:   "benchmarks measure real time; no simulation imports the floor",
	{"sim/cluster/floor/measure.go", "time.Since"}: "likewise",
}

// machines stand for all machines: code of the core is built on each of them.
var machines = []build.Context{
	{GOOS: "linux", GOARCH: "amd64"},
	{GOOS: "linux", GOARCH: "arm64"},
	{GOOS: "darwin", GOARCH: "arm64"},
	{GOOS: "windows", GOARCH: "386"},
	{GOOS: "wasip1", GOARCH: "wasm"},
}

// coreRooms returns the rooms of the tree that are part of the core and hold more
// than tests.
func (t *tree) coreRooms() []string {
	var core []string
	for _, f := range t.files {
		if t.inCore(f) && !slices.Contains(core, f.room()) {
			core = append(core, f.room())
		}
	}
	slices.Sort(core)
	return core
}

// inCore reports whether the rules of the core bind the file.
func (t *tree) inCore(f *sourceFile) bool {
	if f.ast == nil || f.isTest() {
		return false
	}
	r := roomOf(f.room())
	return r == nil || !r.edge
}

// checkDeterminism applies the rules of the core to the rooms whose types are
// known.
func (t *tree) checkDeterminism() []finding {
	var found []finding
	used := map[[2]string]bool{}
	for _, f := range t.files {
		if t.inCore(f) && t.typed[f.room()] {
			j := &judge{tree: t, file: f, used: used}
			found = append(found, j.judge()...)
		}
	}
	for _, f := range t.files {
		for e, why := range exceptions {
			if e[0] == f.name && !used[e] && t.typed[f.room()] {
				found = append(found, finding{f.name, 1, "exceptions", "no longer uses " + e[1] + " (" + why + "): strike the exception"})
			}
		}
	}
	return found
}

// judge applies the rules of the core to one file.
type judge struct {
	*tree
	file  *sourceFile
	found []finding
	// used collects the exceptions that were needed.
	used map[[2]string]bool
	// excuses are the unordered comments by line. sorted are loops and calls that
	// walk a map whose keys are sorted right after.
	excuses map[int]*excuse
	sorted  map[ast.Node]bool
	// floats are the lines already reported for floating point.
	floats map[int]bool
}

type excuse struct {
	pos  token.Pos
	used bool
}

func (j *judge) report(pos token.Pos, rule, format string, args ...any) {
	j.found = append(j.found, j.at(pos, rule, format, args...))
}

// forbid reports a use of what is banned, unless it is a known exception.
func (j *judge) forbid(pos token.Pos, what string, b ban) {
	if e := [2]string{j.file.name, what}; exceptions[e] != "" {
		j.used[e] = true
		return
	}
	j.report(pos, b.rule, "the core must not use %s: %s", what, b.instead)
}

func (j *judge) judge() []finding {
	j.excuses, j.sorted, j.floats = map[int]*excuse{}, map[ast.Node]bool{}, map[int]bool{}
	j.judgeBuild()
	j.judgePackages()
	for _, group := range j.file.ast.Comments {
		for _, c := range group.List {
			if why, ok := strings.CutPrefix(strings.Replace(c.Text, "// ", "//", 1), unordered); ok {
				if strings.TrimSpace(why) == "" {
					j.report(c.Pos(), "map order", "%s gives no reason: say why the order cannot matter", unordered)
				}
				j.excuses[j.line(c.Pos())] = &excuse{pos: c.Pos()}
			}
		}
	}
	ast.Inspect(j.file.ast, func(n ast.Node) bool {
		j.judgeNode(n)
		return true
	})
	for _, e := range j.excuses { // unordered: findings are sorted before they are shown
		if !e.used {
			j.report(e.pos, "map order", "%s excuses nothing: no map is walked here", unordered)
		}
	}
	return j.found
}

// judgeBuild: the same code everywhere.
func (j *judge) judgeBuild() {
	for _, m := range machines {
		dir, base := filepath.Join(j.root, filepath.FromSlash(j.file.room())), path.Base(j.file.name)
		if ok, err := m.MatchFile(dir, base); err != nil || !ok {
			j.report(j.file.ast.Package, "outside",
				"not built for %s/%s: a seed must mean the same on every machine, write it without build constraints", m.GOOS, m.GOARCH)
			return
		}
	}
}

func (j *judge) judgePackages() {
	for _, spec := range j.file.ast.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		for up := name; up != "."; up = path.Dir(up) {
			if b, ok := bannedPackages[up]; ok && !slices.Contains(pure, name) {
				j.forbid(spec.Pos(), name, b)
				break
			}
		}
	}
}

func (j *judge) judgeNode(n ast.Node) {
	switch n := n.(type) {
	case *ast.GoStmt:
		j.report(n.Pos(), "parallel", "no goroutines in the core: push an event onto the sim.Queue, or write a sim.Proc")
	case *ast.SelectStmt:
		j.report(n.Pos(), "parallel", "no select in the core: events come in the order of the sim.Queue")
	case *ast.ChanType:
		j.report(n.Pos(), "parallel", "no channels in the core: call a function, or push an event onto the sim.Queue")
	case *ast.Ident:
		j.judgeName(n)
	case *ast.CallExpr:
		j.judgeCall(n)
	case *ast.BlockStmt:
		j.findSorted(n.List)
	case *ast.CaseClause:
		j.findSorted(n.Body)
	case *ast.RangeStmt:
		j.judgeRange(n)
	case *ast.ReturnStmt:
		j.judgeWidth(n)
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			for _, left := range n.Lhs {
				j.judgeGlobal(left)
			}
		}
	case *ast.IncDecStmt:
		j.judgeGlobal(n.X)
	}
	if e, ok := n.(ast.Expr); ok {
		j.judgeFloat(e)
	}
}

// judgeName reports the use of a banned name, whatever it is called here.
func (j *judge) judgeName(id *ast.Ident) {
	name := qualified(j.info.Uses[id])
	if b, ok := bannedNames[name]; ok {
		j.forbid(id.Pos(), name, b)
	}
}

// qualified returns "package.Name" or "package.Type.Method", and "" for what is
// local to a function or has no name.
func qualified(o types.Object) string {
	switch {
	case o == nil:
		return ""
	case o.Pkg() == nil:
		return "builtin." + o.Name()
	case o.Parent() == o.Pkg().Scope():
		return o.Pkg().Path() + "." + o.Name()
	}
	if f, ok := o.(*types.Func); ok {
		if recv := f.Signature().Recv(); recv != nil {
			t := recv.Type()
			if p, ok := t.(*types.Pointer); ok {
				t = p.Elem()
			}
			if named, ok := t.(*types.Named); ok {
				return o.Pkg().Path() + "." + named.Obj().Name() + "." + o.Name()
			}
		}
	}
	return ""
}

// callee returns the qualified name of what a call calls, or "".
func (j *judge) callee(call *ast.CallExpr) string {
	fun := ast.Unparen(call.Fun)
	switch x := fun.(type) {
	case *ast.IndexExpr:
		fun = x.X
	case *ast.IndexListExpr:
		fun = x.X
	}
	switch fun := fun.(type) {
	case *ast.Ident:
		return qualified(j.info.Uses[fun])
	case *ast.SelectorExpr:
		return qualified(j.info.Uses[fun.Sel])
	}
	return ""
}

// judgeWidth reports a difference of 64 bits that is returned as an int, as comparisons
// do: where an int has 32, what is left of it may have the other sign.
func (j *judge) judgeWidth(ret *ast.ReturnStmt) {
	for _, result := range ret.Results {
		call, ok := result.(*ast.CallExpr)
		if !ok || len(call.Args) != 1 {
			continue
		}
		if to := j.info.Types[call.Fun]; !to.IsType() || !isBasic(to.Type, types.Int) {
			continue
		}
		minus, ok := call.Args[0].(*ast.BinaryExpr)
		if !ok || minus.Op != token.SUB {
			continue
		}
		if of := j.info.TypeOf(minus); isBasic(of, types.Int64) || isBasic(of, types.Uint64) {
			j.report(call.Pos(), "width", "an int has 32 bits on some machines: use cmp.Compare, or return 64 bits")
		}
	}
}

func isBasic(t types.Type, kind types.BasicKind) bool {
	b, ok := t.Underlying().(*types.Basic)
	return ok && b.Kind() == kind
}

func (j *judge) judgeCall(call *ast.CallExpr) {
	name := j.callee(call)
	switch {
	case slices.Contains(sorters, name):
		j.sorted[call.Args[0]] = true
	case slices.Contains(mapWalks, name):
		if !j.sorted[call] && !j.excused(call.Pos()) {
			j.report(call.Pos(), "map order", "%s: %s", name, noKeys)
		}
	case strings.HasPrefix(name, "fmt."):
		for _, arg := range call.Args {
			if lit, ok := arg.(*ast.BasicLit); ok && strings.Contains(strings.ReplaceAll(lit.Value, "%%", ""), "%p") {
				j.report(lit.Pos(), "outside", "%%p prints an address, which differs from run to run: print the value")
			}
		}
	}
}

// findSorted notes loops of the form
//
//	for k := range m {
//		keys = append(keys, k)
//	}
//	slices.Sort(keys)
func (j *judge) findSorted(list []ast.Stmt) {
	for i, s := range list {
		loop, ok := s.(*ast.RangeStmt)
		if !ok || i+1 == len(list) || len(loop.Body.List) != 1 || loop.Value != nil {
			continue
		}
		assign, ok := loop.Body.List[0].(*ast.AssignStmt)
		if !ok || len(assign.Rhs) != 1 {
			continue
		}
		appended, ok := assign.Rhs[0].(*ast.CallExpr)
		if !ok || j.callee(appended) != "builtin.append" || len(appended.Args) != 2 {
			continue
		}
		after, ok := list[i+1].(*ast.ExprStmt)
		if !ok {
			continue
		}
		sort, ok := after.X.(*ast.CallExpr)
		if !ok || !slices.Contains(sorters, j.callee(sort)) {
			continue
		}
		keys := types.ExprString(assign.Lhs[0])
		j.sorted[loop] = keys == types.ExprString(appended.Args[0]) && keys == types.ExprString(sort.Args[0]) &&
			types.ExprString(appended.Args[1]) == types.ExprString(loop.Key)
	}
}

func (j *judge) judgeRange(loop *ast.RangeStmt) {
	t := j.info.TypeOf(loop.X)
	if t == nil || !isMap(t) || blank(loop.Key) && blank(loop.Value) || j.sorted[loop] || j.excused(loop.Pos()) {
		return
	}
	j.report(loop.Pos(), "map order",
		"the order of a map differs from run to run: range over slices.Sorted(maps.Keys(m)), or explain in %s why", unordered)
}

func blank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// isMap reports whether values of the type are, or for a type parameter may be,
// maps.
func isMap(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface:
		for e := range u.EmbeddedTypes() {
			union, ok := e.(*types.Union)
			if !ok {
				union = types.NewUnion([]*types.Term{types.NewTerm(false, e)})
			}
			for term := range union.Terms() {
				if _, ok := term.Type().Underlying().(*types.Map); ok {
					return true
				}
			}
		}
	}
	return false
}

// excused reports whether an unordered comment stands on the line or above it.
func (j *judge) excused(pos token.Pos) bool {
	line := j.line(pos)
	for _, at := range []int{line, line - 1} {
		if e := j.excuses[at]; e != nil {
			e.used = true
			return true
		}
	}
	return false
}

func (j *judge) line(pos token.Pos) int { return j.fset.Position(pos).Line }

// judgeGlobal: what a package-level variable holds must not change, since several
// simulations run beside each other.
func (j *judge) judgeGlobal(left ast.Expr) {
	for {
		switch x := left.(type) {
		case *ast.IndexExpr:
			left = x.X
		case *ast.StarExpr:
			left = x.X
		case *ast.ParenExpr:
			left = x.X
		case *ast.SelectorExpr:
			if id, ok := x.X.(*ast.Ident); ok {
				if _, isPackage := j.info.Uses[id].(*types.PkgName); isPackage {
					left = x.Sel
					continue
				}
			}
			left = x.X
		case *ast.Ident:
			if v, ok := j.info.Uses[x].(*types.Var); ok && v.Parent() == v.Pkg().Scope() {
				j.report(x.Pos(), "global",
					"%s is shared by all simulations of the process: keep what changes in a struct that belongs to one", x.Name)
			}
			return
		default:
			return
		}
	}
}

// judgeFloat: processors may round differently. Constants are exact.
func (j *judge) judgeFloat(e ast.Expr) {
	tv := j.info.Types[e]
	if tv.Type == nil || tv.Value != nil {
		return
	}
	basic, ok := tv.Type.Underlying().(*types.Basic)
	if line := j.line(e.Pos()); ok && basic.Info()&(types.IsFloat|types.IsComplex) != 0 && !j.floats[line] {
		j.floats[line] = true
		j.report(e.Pos(), "float", "no floating point in the core: use integers, a sim.Ratio, or nanoseconds")
	}
}

func TestDeterminism(t *testing.T) {
	tree := projectTree(t)
	if err := tree.checkTypes(tree.coreRooms()); err != nil {
		t.Error(err)
	}
	report(t, tree.checkDeterminism())
}

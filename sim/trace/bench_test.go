package trace_test

import (
	"testing"

	"etcdsim/sim/trace"
)

// Emitting is the hot path of every simulation: some 50 events a commit.

func BenchmarkEmit(b *testing.B) {
	l := trace.NewLog()
	e := trace.Event{Kind: trace.Send, Member: 1, Peer: 2, Term: 3, Index: 4, A: 5, B: 6, ID: 7}
	b.ReportAllocs()
	for b.Loop() {
		l.Now++
		l.Emit(e)
	}
}

func BenchmarkEmitSubscribed(b *testing.B) {
	l := trace.NewLog()
	var sum uint64
	l.Subscribe(trace.Kinds(trace.Send), func(e *trace.Event) { sum += e.Index })
	l.Subscribe(trace.AllKinds, func(e *trace.Event) { sum += e.Term })
	e := trace.Event{Kind: trace.Send, Member: 1, Peer: 2, Term: 3, Index: 4, A: 5, B: 6, ID: 7}
	b.ReportAllocs()
	for b.Loop() {
		l.Now++
		l.Emit(e)
	}
}

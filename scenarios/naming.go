package scenarios

// What a statement names: members, and variables. Whoever looks at a scenario
// without running it asks here.

// targeting is arguments, or a condition, that name members.
type targeting interface{ targets() []Targets }

func (a ClientsArgs) targets() []Targets   { return []Targets{a.Via} }
func (a RequestArgs) targets() []Targets   { return []Targets{a.Via} }
func (a WaitArgs) targets() []Targets      { return targetsOf(a.Condition) }
func (a ExpectArgs) targets() []Targets    { return targetsOf(a.Condition) }
func (a LetArgs) targets() []Targets       { return []Targets{a.Of, a.Amount.Of} }
func (a MemberArgs) targets() []Targets    { return []Targets{a.Of} }
func (a PartitionArgs) targets() []Targets { return a.Groups }
func (a LinkArgs) targets() []Targets      { return []Targets{a.From, a.To} }
func (a ChangeArgs) targets() []Targets    { return []Targets{a.Of, a.Via} }
func (a MaintainArgs) targets() []Targets  { return []Targets{a.Of} }
func (a AddArgs) targets() []Targets       { return []Targets{a.Via} }

func (c LeaderCondition) targets() []Targets  { return []Targets{c.In} }
func (c CompareCondition) targets() []Targets { return []Targets{c.Left.Of, c.Right.Of, c.Via} }

func targetsOf(c Condition) []Targets {
	if t, ok := c.(targeting); ok {
		return t.targets()
	}
	return nil
}

// Targets returns the lists of targets in the arguments of the statement. Some may
// be empty.
func (s *Statement) Targets() []Targets {
	if t, ok := s.Args.(targeting); ok {
		return t.targets()
	}
	return nil
}

// Condition returns what the statement waits for or expects, or nil.
func (s *Statement) Condition() Condition {
	switch a := s.Args.(type) {
	case WaitArgs:
		return a.Condition
	case ExpectArgs:
		return a.Condition
	}
	return nil
}

// Uses returns the variables that the statement reads, without '$'.
func (s *Statement) Uses() []string {
	var all []string
	for _, ts := range s.Targets() {
		for _, t := range ts {
			if t.Var != "" {
				all = append(all, t.Var)
			}
		}
	}
	if c, ok := s.Condition().(CompareCondition); ok {
		for _, o := range []Operand{c.Left, c.Right} {
			if o.Var != "" {
				all = append(all, o.Var)
			}
		}
	}
	return all
}

// Binds returns the variable to which the statement gives a value, without '$', or
// nothing.
func (s *Statement) Binds() string {
	switch a := s.Args.(type) {
	case LetArgs:
		return a.Var
	case AddArgs:
		return a.As
	}
	if c, ok := s.Condition().(LeaderCondition); ok {
		return c.As
	}
	return ""
}

// largestMember returns the largest number of a member that is named, or 0.
func (s *Statement) largestMember() (largest uint64) {
	for _, ts := range s.Targets() {
		for _, t := range ts {
			largest = max(largest, t.Member)
		}
	}
	return largest
}

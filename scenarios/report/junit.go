package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"etcdsim/scenarios"
	"etcdsim/sim"
)

// Suite is the runs of one scenario as a test suite of JUnit XML: a case for each
// seed.
type Suite struct {
	Name string
	// Tests counts the cases, Failures those that did not pass, Errors those that
	// the simulator itself did not survive.
	Tests, Failures, Errors uint64
	// Elapsed is the virtual time of all cases.
	Elapsed sim.Time
	Cases   iter.Seq2[*Record, error]
}

// junitCase is an element testcase, as the schema of the Jenkins plugin has it
// (https://github.com/jenkinsci/xunit-plugin, junit-10.xsd).
type junitCase struct {
	XMLName   xml.Name      `xml:"testcase"`
	Name      string        `xml:"name,attr"`
	Classname string        `xml:"classname,attr"`
	Time      string        `xml:"time,attr"`
	Error     *junitProblem `xml:"error"`
	Failure   *junitProblem `xml:"failure"`
}

type junitProblem struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",cdata"`
}

// problem tells of a run that did not pass.
func problem(rec *Record) *junitProblem {
	message := strings.Join(strings.Fields(rec.Finding()+": "+rec.Why()), " ")
	return &junitProblem{Message: message, Type: rec.Ended, Text: strings.Map(character, "\n"+rec.Text)}
}

// character replaces what XML 1.0 cannot hold (section 2.2), not even escaped.
func character(r rune) rune {
	if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == '\uFFFE' || r == '\uFFFF' {
		return utf8.RuneError
	}
	return r
}

// JUnit writes suites as JUnit XML, one case after the other. Times are virtual
// seconds: the same results give the same bytes.
func JUnit(w io.Writer, suites []Suite) error {
	var sum Suite
	for i := range suites {
		sum.Tests += suites[i].Tests
		sum.Failures += suites[i].Failures
		sum.Errors += suites[i].Errors
		sum.Elapsed += suites[i].Elapsed
	}
	x := xml.NewEncoder(w)
	x.Indent("", "  ")
	root := suiteElement("testsuites", &Suite{"etcdsim", sum.Tests, sum.Failures, sum.Errors, sum.Elapsed, nil})
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	if err := x.EncodeToken(root); err != nil {
		return err
	}
	for i := range suites {
		if err := suites[i].write(x); err != nil {
			return err
		}
	}
	if err := x.EncodeToken(root.End()); err != nil {
		return err
	}
	if err := x.Close(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// write writes the suite with its cases.
func (s *Suite) write(x *xml.Encoder) error {
	element := suiteElement("testsuite", s)
	if err := x.EncodeToken(element); err != nil {
		return err
	}
	for rec, err := range s.Cases {
		if err != nil {
			return err
		}
		c := junitCase{Name: fmt.Sprintf("seed %d", rec.Seed), Classname: s.Name, Time: seconds(rec.Elapsed)}
		switch rec.Outcome {
		case scenarios.Pass:
		case scenarios.Internal:
			c.Error = problem(rec)
		default:
			c.Failure = problem(rec)
		}
		if err := x.Encode(&c); err != nil {
			return err
		}
	}
	return x.EncodeToken(element.End())
}

func suiteElement(name string, s *Suite) xml.StartElement {
	attribute := func(name, value string) xml.Attr { return xml.Attr{Name: xml.Name{Local: name}, Value: value} }
	return xml.StartElement{Name: xml.Name{Local: name}, Attr: []xml.Attr{
		attribute("name", s.Name), attribute("tests", fmt.Sprint(s.Tests)), attribute("failures", fmt.Sprint(s.Failures)),
		attribute("errors", fmt.Sprint(s.Errors)), attribute("time", seconds(s.Elapsed)),
	}}
}

func seconds(t sim.Time) string { return strings.TrimSuffix(t.String(), "s") }

// Annotate writes a failure as an annotation of GitHub Actions
// (https://docs.github.com/actions/reference/workflow-commands-for-github-actions).
func Annotate(w io.Writer, rec *Record) error {
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	text := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	file := ""
	if strings.HasSuffix(rec.Scenario, scenarios.Suffix) {
		file = "file=" + property.Replace(rec.Scenario) + ","
	}
	_, err := fmt.Fprintf(w, "::error %stitle=%s::%s\n", file,
		property.Replace(fmt.Sprintf("%s seed %d: %s", rec.Scenario, rec.Seed, rec.Finding())), text.Replace(strings.TrimSpace(rec.Text)))
	return err
}

package userconfig

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// The 7.x file of userconfig-xml.md section 16.
func TestSection16File(t *testing.T) {
	cfg, warnings, err := Parse("userconfig.xml", read(t, testdata+"/valid/kvm7.xml"), testEnv())
	if err != nil || len(warnings) != 1 {
		t.Fatalf("%v, %v; want exactly one warning", warnings, err)
	}
	if lan, servers := cfg.ReplicationNetwork(); lan != "default" || servers != nil {
		t.Errorf("replication on %q, %v", lan, servers)
	}
	if lines := NotYetActedOn(cfg); lines != nil {
		t.Errorf("not acted on: %v", lines)
	}
	if safeconf := string(WriteSafeconf(cfg)); !strings.Contains(safeconf, `<var name="VM_PATH" value="/srv/vm/web1"/>`) {
		t.Errorf("no variable in\n%s", safeconf)
	}
}

func TestNothingKnownOfTheWorld(t *testing.T) {
	src := `<safe><service mode="mirror" defaultprim="anywhere"><heart><heartbeat name="x"/></heart>
<rfs><replicated dir="/nowhere"/></rfs><check><custom ident="a" when="prim" exec="b" action="stop"/></check></service></safe>`
	if _, warnings, err := Parse("userconfig.xml", []byte(src), Env{}); err != nil || warnings != nil {
		t.Errorf("%v, %v", warnings, err)
	}
}

func TestBounds(t *testing.T) {
	wrap := func(s string) string { return "<safe>" + s + `<service mode="light"><user/></service></safe>` }
	double := wrap(`<macro name="M0" value="` + strings.Repeat("x", 1000) + `"/>` + doublings(40))
	for name, src := range map[string]string{
		"size":       wrap(strings.Repeat(" ", MaxSize)),
		"depth":      strings.Repeat("<a>", 10_000),
		"elements":   wrap(strings.Repeat("<x/>", 100_000)),
		"attributes": "<safe " + attrs(5_000) + "/>",
		"expansion":  double,
	} {
		_, _, err := Parse("userconfig.xml", []byte(src), Env{})
		var errs Errors
		if !errors.As(err, &errs) || len(errs) > maxErrors+1 {
			t.Errorf("%s: %.300v", name, err)
		}
		t.Logf("%s: %v", name, errs[0])
	}
}

func doublings(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<macro name="M%d" value="%%M%d%%%%M%d%%"/>`, i+1, i, i)
	}
	return b.String()
}

func attrs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `a%d="" `, i)
	}
	return b.String()
}

func TestManyMistakesAreCut(t *testing.T) {
	src := `<safe><service mode="light">` + strings.Repeat("<oops/>\n", 5000) + `</service></safe>`
	_, _, err := Parse("userconfig.xml", []byte(src), Env{})
	var errs Errors
	if !errors.As(err, &errs) || len(errs) != maxErrors+1 || errs[maxErrors].Text != "too many errors: correct the first 100" {
		t.Errorf("%d errors", len(errs))
	}
}

func TestEnvironmentThatXMLForbids(t *testing.T) {
	env := Env{Getenv: func(string) (string, bool) { return "a\x01b", true }}
	src := `<safe><service mode="light"><user><var name="A" value="%X%"/></user></service></safe>`
	if _, _, err := Parse("userconfig.xml", []byte(src), env); err == nil {
		t.Error("accepted")
	}
}

// A safeconf.xml is taken as it is: what looks like a macro is none.
func TestSafeconfIsNotExpanded(t *testing.T) {
	src := `<safe><macro name="P" value="%"/><service mode="light"><user><var name="A" value="%P%HOME%P%"/></user></service></safe>`
	cfg, _, err := Parse("userconfig.xml", []byte(src), Env{})
	if err != nil || cfg.User.Vars[0].Value != "%HOME%" {
		t.Fatalf("%v, %v", cfg, err)
	}
	checkRoundTrip(t, cfg)
}

func TestSectionsThatCDATACannotHold(t *testing.T) {
	src := "<safe><service mode=\"light\"><failover>a: ]]&gt; &#13;x<![CDATA[b]]></failover></service></safe>"
	cfg, _, err := Parse("userconfig.xml", []byte(src), Env{})
	if err != nil || len(cfg.Failover.Sections) != 2 {
		t.Fatalf("%v, %v", cfg, err)
	}
	checkRoundTrip(t, cfg)
}

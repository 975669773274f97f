package userconfig

import (
	"fmt"
	"strings"
	"testing"
)

// Small cases that need no file of their own: what is put into <service> of a
// mirror module, and what is said about it.
func TestSmallCases(t *testing.T) {
	const heart = `<heart><heartbeat name="default"/></heart>`
	for _, tc := range []struct{ body, errors, warnings string }{
		{`<heart pulse="1s" timeout="1s"><heartbeat name="default"/></heart>`, "timeout (1000) must be larger than pulse (1000) in <heart>", ""},
		{`<heart pulse="1s" timeout="2s"><heartbeat name="default"/></heart>`, "",
			"timeout (2000) in <heart> is less than three times pulse (1000): one lost packet may look like a lost node"},
		{`<heart><heartbeat ident="flow" name="default"/></heart>`, "",
			"ident 'flow' is for replication, but there is no <rfs>: the module will stay in WAIT"},
		{`<heart><heartbeat><server addr="10.9.0.1"/><server addr="10.9.0.2"/></heartbeat></heart>`,
			"exactly one <server> of <heartbeat> must have an address of this node", ""},
		{`<heart><heartbeat><server addr="10.0.0.1"/></heartbeat></heart>`, "<heartbeat> must have exactly two <server> elements", ""},
		{`<heart><heartbeat><server addr="one"/><server addr="two"/></heartbeat></heart>`, "", ""},
		{`<heart><heartbeat name="default"/><heartbeat><server addr="10.0.0.1"/><server addr="10.0.0.2"/></heartbeat></heart>`,
			"mixed 7.1 and 7.2 network syntax: use name= everywhere or <server> everywhere", ""},
		{heart + `<vhost/>`, "missing <virtualhostname> in <vhost>", ""},
		{heart + `<vhost><virtualhostname name="v" envfile="../x"/></vhost>`, "invalid value '../x' for the attribute envfile (expected a file below the module's bin)", ""},
		{heart + `<rfs><replicated dir="/srv/a"><notreplicated/></replicated></rfs>`,
			"exactly one of the attributes 'path' and 'regexpath' is needed in <notreplicated>", ""},
		{heart + `<user/><errd><proc name="` + strings.Repeat("n", 64) + `" nameregex="n" class="prim"/></errd>`,
			"invalid value '" + strings.Repeat("n", 64) + "' for the attribute name (at most 63 characters)", ""},
		{heart + `<user/><errd><proc name="p" action="vmcheck" class="prim"/></errd>`, "",
			"the handler 'vmcheck' in <proc> needs a class of its own: 'prim' also serves other processes"},
		{heart + `<check/><check/>`, "", "several <check> sections: they are merged"},
		{heart + `<check><custom ident="a" when="prim" exec="vmcheck"/></check><failover>x: if (custom.a == down) then stop();</failover>`, "", ""},
		{heart + `<check><custom ident="a" when="prim" exec="vmcheck" action="stop" kind="plugin" timeout="0"/></check>`,
			"invalid value '0' for the attribute timeout (expected at least '1s')", ""},
		{heart + `<check><custom ident="a" when="prim" exec="vmcheck" action="stop" kind="plug-in"/></check>`,
			"invalid value 'plug-in' for the attribute kind (did you mean 'plugin'?)", ""},
		{heart + `<check><custom ident="a" when="prim" exec="vmcheck"/></check><failover>x: if (custom.? == down) then stop();</failover>`, "", ""},
		{heart + `<check><custom ident="a" when="prim" exec="vmcheck"/></check><failover>x: if (custom.ab == down) then stop();</failover>`, "",
			"no rule in <failover> mentions custom.a: give <custom> an action or write a rule"},
		{heart + `<failover extends="no"/>`, "", "extends='no' drops the default rules of the checkers: avoid it"},
		{heart + `<check><module name="m"><to addr="a"/><to addr="b"/></module></check>`,
			"missing attribute 'ident' in <module>: several <to> need it", ""},
		{heart + `<macro name="a b" value=""/><macro name="X"/><user/>`,
			"invalid value 'a b' for the attribute name in <macro>: use letters, digits and _ . - | missing attribute 'value' in <macro>", ""},
		{heart + `<heartbaet/>`, "unknown element <heartbaet> in <service> (did you mean <heart>?)", ""},
	} {
		src := "<safe><service mode=\"mirror\">" + tc.body + "</service></safe>"
		_, warnings, err := Parse("", []byte(src), testEnv())
		gotErr, gotWarn := "", ""
		if err != nil {
			gotErr = plain(strings.Split(err.Error(), "\n"))
		}
		if warnings != nil {
			gotWarn = plain(strings.Split(fmt.Sprint(warnings[0]), "\n"))
		}
		if gotErr != tc.errors || gotWarn != tc.warnings || len(warnings) > 1 {
			t.Errorf("%s:\nerrors %q, want %q\nwarnings %q, want %q", tc.body, gotErr, tc.errors, warnings, tc.warnings)
		}
	}
}

// plain takes ":1: " off and joins.
func plain(lines []string) string {
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], ":1: ")
	}
	return strings.Join(lines, " | ")
}

func TestNoClusterMeansNoPlaceholder(t *testing.T) {
	src := `<safe><service mode="mirror"><heart><heartbeat name=""/></heart></service></safe>`
	for want, env := range map[string]Env{
		":1: empty value for the attribute name in <heartbeat>":                        {},
		":1: the cluster is not configured: configure it first":                        {Cluster: &Cluster{}},
		":1: no network of the cluster configuration contains the nodes of the module": {Node: "n9", Cluster: &Cluster{Lans: []Lan{{"l", []string{"n1"}}}}},
	} {
		if _, _, err := Parse("", []byte(src), env); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestEncodings(t *testing.T) {
	const body = `<safe><service mode="light"/></safe>`
	for name, tc := range map[string]struct{ src, text string }{
		"declared utf8":       {`<?xml version="1.0" encoding="UTF-8"?>` + body, ""},
		"declared ascii":      {`<?xml version='1.0' encoding='us-ascii'?>` + body, ""},
		"ascii with a letter": {"<?xml version='1.0' encoding='us-ascii'?><!-- \xe9 -->" + body, "byte 0xe9 at offset 46 is not us-ascii"},
		"broken utf-8":        {"<!-- \xe9 -->" + body, "invalid UTF-8"},
		"utf-16be":            {"\xfe\xff" + wide(body), ""},
		"utf-16be, no mark":   {wide(body), ""},
		"half a unit":         {wide(body) + "\x00", "invalid UTF-16: odd number of bytes"},
		"lone surrogate":      {wide(body) + "\xd8\x00", "invalid UTF-16: lone surrogate"},
	} {
		_, _, err := Parse("", []byte(tc.src), Env{})
		got := ""
		if err != nil {
			got = plain([]string{err.Error()})
		}
		if got != tc.text {
			t.Errorf("%s: %q, want %q", name, got, tc.text)
		}
	}
}

// wide writes ASCII in UTF-16, big end first.
func wide(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteByte(0)
		b.WriteByte(s[i])
	}
	return b.String()
}

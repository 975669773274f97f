package userconfig

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const edited = `<?xml version='1.0'?>
<!-- top -- comment is not allowed, this one is -->
<safe>
  <macro   name="A"   value='old'/>	<!-- keep me: A="x" -->
  <service mode="mirror" maxloop="3"
           boot='on' >
    <heart><heartbeat name="default"></heartbeat><heartbeat name="private" /></heart>
    <check>
      <tcp ident="web" when="both"><to addr="localhost" port="80"/></tcp>
      <tcp ident='db' when="both"><to addr="localhost" port="81"/></tcp>
    </check>
    <user/>
    <failover><![CDATA[ a: if (tcp.web == down) then stop(); ]]></failover>
  </service>
</safe>
`

func editedSource() []byte {
	return []byte(strings.ReplaceAll(strings.Replace(edited, " -- comment is not allowed, this one is", "", 1), "\n", "\r\n"))
}

func TestEditsKeepTheRest(t *testing.T) {
	for _, tc := range []struct{ path, attr, value, from, to string }{
		{"service", "maxloop", "7", `maxloop="3"`, `maxloop="7"`},
		{"service", "boot", "off", `boot='on'`, `boot='off'`},
		{"service", "boot_delay", "5s", `boot='on' >`, `boot='on' boot_delay="5s" >`},
		{"service/check/tcp[@ident='db']/to", "port", "8443", `port="81"`, `port="8443"`},
		{`service/check/tcp[@ident="web"]/to`, "addr", `a&b<"'`, `addr="localhost" port="80"`, `addr="a&amp;b&lt;&#34;'" port="80"`},
		{"service/heart/heartbeat[2]", "ident", "flow", `name="private" />`, `name="private" ident="flow" />`},
		{"service/heart/heartbeat[1]", "name", "x", `name="default"`, `name="x"`},
		{"service/user", "logging", "none", `<user/>`, `<user logging="none"/>`},
		{"service", "defaultprim", "a\nb", `boot='on' >`, `boot='on' defaultprim="a&#10;b" >`},
		{"service", "maxloop", "3", "", ""},
	} {
		src := editedSource()
		want := strings.Replace(string(src), tc.from, tc.to, 1)
		got, err := SetAttr(src, tc.path, tc.attr, tc.value)
		if err != nil {
			t.Errorf("%s@%s: %v", tc.path, tc.attr, err)
			continue
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("%s@%s (-want +got):\n%s", tc.path, tc.attr, diff)
		}
	}
}

func TestSetMacro(t *testing.T) {
	src := editedSource()
	got, err := SetMacro(src, "A", `it's`)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Replace(string(src), `value='old'`, `value='it&#39;s'`, 1)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Fatal(diff)
	}
	macros, err := Macros(got)
	if err != nil || len(macros) != 1 || macros[0] != (MacroDef{"A", "it's", 4}) {
		t.Errorf("%v, %v", macros, err)
	}
}

func TestEditsThatCannotBe(t *testing.T) {
	src := editedSource()
	for _, tc := range [][2]string{
		{"service/check/tcp", "port"}, {"service/chek", "a"}, {"service/heart/heartbeat[3]", "name"},
		{"service//x", "a"}, {"service/check/tcp[@ident='no']", "when"}, {"service", "a b"}, {"service", ""}, {"[1]", "a"},
	} {
		if out, err := SetAttr(src, tc[0], tc[1], "v"); err == nil {
			t.Errorf("%v accepted: %s", tc, out)
		}
	}
	for _, value := range []string{"\x00", "\xff", "\x1b[0m"} {
		if _, err := SetAttr(src, "service", "boot", value); err == nil {
			t.Errorf("value %q accepted", value)
		}
	}
	if _, err := SetMacro(src, "B", "v"); err == nil {
		t.Error("unknown macro accepted")
	}
}

func TestEditsKeepTheEncoding(t *testing.T) {
	src := read(t, testdata+"/valid/latin1-crlf.xml")
	got, err := SetAttr(src, "service/heart/heartbeat", "ident", "é€")
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Replace(src, []byte(`name="default"`), []byte("name=\"default\" ident=\"\xe9&#8364;\""), 1)
	if !bytes.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	src = read(t, testdata+"/valid/utf16.xml")
	got, err = SetAttr(src, "service/user/var", "value", "x")
	if err != nil || len(got) != len(src)-2 || !bytes.HasPrefix(got, bomLE) {
		t.Errorf("utf-16: %d bytes, %v", len(got), err)
	}
	if cfg, _, err := Parse("userconfig.xml", got, Env{}); err != nil || cfg.User.Vars[0].Value != "x" {
		t.Errorf("utf-16: %v, %v", cfg, err)
	}
}

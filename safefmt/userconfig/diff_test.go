package userconfig

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/safehold/safehold/runtime/ha"
)

func parseString(t *testing.T, src string) *Config {
	t.Helper()
	cfg, _, err := Parse("userconfig.xml", []byte(src), testEnv())
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestDiff(t *testing.T) {
	base := string(read(t, testdata+"/valid/everything.xml"))
	for _, tc := range []struct{ from, to, want string }{
		{`boot="auto"`, `boot="on"`, "service@boot dynamic"},
		{`maxloop="5"`, `maxloop="6"`, "service@maxloop dynamic"},
		{`failover="off"`, `failover="on"`, "service@failover frozen"},
		{`loop_interval="1d"`, `loop_interval="24"`, ""},
		{`pulse="500ms"`, `pulse="600ms"`, "heart/heartbeat[default]@pulse dynamic"},
		{`async="none"`, `async="second"`, "rfs@async dynamic"},
		{`locktimeout="2m"`, `locktimeout="3m"`, "rfs@locktimeout frozen"},
		{`<flow name="private"/>`, ``, "rfs/flow dynamic"},
		{`<flow name="private"/>`, `<flow name="default"/>`, "rfs/flow@name dynamic"},
		{`<replicated dir="/srv/b"/>`, ``, "rfs/replicated[/srv/b] frozen"},
		{`<tocheck path="PG_VERSION"/>`, ``, "rfs/replicated[/srv/a]/tocheck[PG_VERSION] frozen"},
		{`value="db,Web Server"`, `value="db"`, "user/var[SERVICES]@value dynamic"},
		{`polltimer="10"`, `polltimer="11"`, "errd@polltimer dynamic"},
		{`port="80"`, `port="8080"`, "check/tcp[web]/to@port dynamic"},
		{`exec="vmcheck"`, `exec="vmcheck" kind="plugin" interval="3"`,
			"check/custom[vm_check]@kind dynamic, check/custom[vm_check]@interval dynamic, check/custom[vm_check]@timeout dynamic"},
		{`<module name="leader"/>`, ``, "check/module[leader_127.0.0.1] dynamic"},
		{`value="192.168.1.99"`, `value="192.168.1.97"`, "vip/interface_list/interface[1]/real_interface/virtual_addr[192.168.1.99] frozen, " +
			"vip/interface_list/interface[1]/real_interface/virtual_addr[192.168.1.97] frozen, " +
			"check/ip[192.168.1.99] frozen, check/ip[192.168.1.97] frozen"},
		{`my_rule:`, `your_rule:`, "failover/section 1 frozen"},
		{`period="1s"`, `period="3s"`, "failover@period frozen"},
		{`envfile="vhostenv"`, `envfile="other"`, "vhost/virtualhostname@envfile frozen"},
	} {
		if !strings.Contains(base, tc.from) {
			t.Fatalf("%s is not in the file", tc.from)
		}
		var got []string
		for _, c := range Diff(parseString(t, base), parseString(t, strings.Replace(base, tc.from, tc.to, 1))) {
			word := "dynamic"
			if c.Frozen {
				word = "frozen"
			}
			got = append(got, c.Path+" "+word)
		}
		if strings.Join(got, ", ") != tc.want {
			t.Errorf("%s -> %s: %q, want %q", tc.from, tc.to, strings.Join(got, ", "), tc.want)
		}
	}
}

func TestDiffSeesOrder(t *testing.T) {
	src := `<safe><service mode="mirror"><heart><heartbeat name="default"/><heartbeat name="private"/></heart></service></safe>`
	before := parseString(t, src)
	after := parseString(t, src)
	slices.Reverse(after.Heart.Heartbeats)
	got := fmt.Sprint(Diff(before, after))
	if !strings.Contains(got, "heart/heartbeat[private]") {
		t.Errorf("moved heartbeats give %s", got)
	}
}

// Row U18 of the error table.
func TestDynamicChange(t *testing.T) {
	frozen := []Change{{Path: "service@boot", Section: "service"}, {Path: "vip@tcpreset", Section: "vip", Frozen: true}}
	for _, tc := range []struct {
		mode    ha.Mode
		role    ha.Role
		changes []Change
		want    string
	}{
		{ha.Mirror, ha.Role{State: ha.Stop, Status: ha.NotReady}, frozen, ""},
		{ha.Mirror, ha.Role{State: ha.Alone, Status: ha.Ready}, frozen[:1], ""},
		{ha.Mirror, ha.Role{State: ha.Wait, Status: ha.NotReady}, frozen[:1], ""},
		{ha.Farm, ha.Role{State: ha.Up, Status: ha.Ready}, frozen[:1], ""},
		{ha.Mirror, ha.Role{State: ha.Alone, Status: ha.Ready}, frozen,
			"userconfig.xml: cannot change <vip> while the module is running: vip@tcpreset"},
		{ha.Mirror, ha.Role{State: ha.Prim, Status: ha.Ready}, nil,
			"userconfig.xml: module must be STOP, ALONE (Ready) or WAIT (NotReady)"},
		{ha.Mirror, ha.Role{State: ha.Alone, Status: ha.Transient}, nil,
			"userconfig.xml: module must be STOP, ALONE (Ready) or WAIT (NotReady)"},
		{ha.Light, ha.Role{State: ha.Up, Status: ha.Transient}, nil,
			"userconfig.xml: module must be STOP, UP (Ready) or WAIT (NotReady)"},
	} {
		got := ""
		if err := CheckDynamic("userconfig.xml", tc.mode, tc.role, tc.changes); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%v %v: %q, want %q", tc.mode, tc.role, got, tc.want)
		}
	}
}

package userconfig

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/antchfx/xmlquery"
)

func everything(t *testing.T) *Config {
	t.Helper()
	return parseString(t, string(read(t, testdata+"/valid/everything.xml")))
}

func TestSummaries(t *testing.T) {
	cfg := everything(t)
	for _, tc := range []struct{ got, want string }{
		{fmt.Sprint(cfg.Dirs()), "[/srv/a /srv/b]"},
		{fmt.Sprint(cfg.VIPs()), "[192.168.1.99 192.168.1.98 10.9.9.9]"},
		{fmt.Sprint(cfg.Resources()), "[heartbeat.default heartbeat.flow tcp.web tcp.ready ping.router intf.192.168.1.0 " +
			"ip.192.168.1.99 ip.10.9.9.9 custom.vm_check module.leader_127.0.0.1 module.db " +
			"splitbrain.witness splitbrain.uptodate proc.db proc.oracle]"},
		{fmt.Sprint(cfg.Heart.UDPPort(3), (&Heart{}).UDPPort(3), (&Farm{}).UDPPort(2)), "9000 8890 4806"},
	} {
		if tc.got != tc.want {
			t.Errorf("got  %s\nwant %s", tc.got, tc.want)
		}
	}
}

// Scripts of published modules ask safeconf.xml by XPath.
func TestXPathFindsEverything(t *testing.T) {
	doc, err := xmlquery.Parse(bytes.NewReader(WriteSafeconf(everything(t))))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"//user/var[@name='SERVICES']/@value":                    "db,Web Server",
		"//service/@mode":                                        "mirror",
		"//heartbeat[1]/@name":                                   "default",
		"//replicated[1]/@dir":                                   "/srv/a",
		"//vip//virtual_addr[1]/@addr":                           "192.168.1.99",
		"//check/ip[@ident='192.168.1.99']/to/@addr":             "192.168.1.99",
		"//check/tcp[@ident='web']/to/@port":                     "80",
		"//errd/proc[@name='db']/@restart_services":              "db,Web Server",
		"/safe/service/rfs/@ruzone_blocksize":                    "131072",
		"//vhost/virtualhostname/@envfile":                       "vhostenv",
		"//failover/@period":                                     "1000ms",
		"//check/splitbrain/@arg":                                "192.168.1.1 192.168.1.2",
		"//check/custom/@arg":                                    `-n 'two words' "" # x`,
		"//check/module[@ident='leader_127.0.0.1']/to[1]/@addr":  "127.0.0.1",
		"//check/intf[@ident='192.168.1.0']/to/@local_addr":      "192.168.1.10",
		"//interface_list/interface[2]/real_interface/*/@where":  "one_side",
		"//rfs/replicated[1]/notreplicated[2]/@regexpath":        `.*\.tmp$`,
		"//rfs/replicated[1]/tocheck/@path":                      "PG_VERSION",
		"//check/tcp[@ident='ready'][@when='pre']/@action":       "noaction",
		"//check/module[@ident='db']/to[@secure='on']/@interval": "10s",
	} {
		n, err := xmlquery.Query(doc, path)
		if err != nil || n == nil || n.InnerText() != want {
			t.Errorf("%s: %v, %v; want %q", path, n, err, want)
		}
	}
}

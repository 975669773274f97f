package clusterxml

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/netip"
	"time"
)

// Encode writes cfg in a canonical form that Parse reads back to the same
// value: what cluster_ip.xml and `cluster create` hold.
func Encode(cfg *Config) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "<cluster>\n  <lans port=\"%d\" pulse=\"%d\" mlost_count=\"%d\" slost_count=\"%d\">\n",
		cfg.Port, cfg.Pulse/time.Millisecond, cfg.MLost, cfg.SLost)
	for _, l := range cfg.Lans {
		fmt.Fprintf(&b, "    <lan name=\"%s\"%s>\n", quote(l.Name), commandAttr(l))
		for _, n := range l.Nodes {
			fmt.Fprintf(&b, "      <node name=\"%s\" addr=\"%s\"%s/>\n", quote(string(n.Name)), bracket(n.Addr), laddrAttr(n))
		}
		b.WriteString("    </lan>\n")
	}
	b.WriteString("  </lans>\n</cluster>\n")
	return b.Bytes()
}

// Create writes the cluster.xml of `safekit cluster create`: one lan named
// default with nodes server0, server1, … in the order of addrs. It returns the
// Mistakes that Parse finds in the result.
func Create(addrs []string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("<cluster>\n  <lans>\n    <lan name=\"default\">\n")
	for i, a := range addrs {
		fmt.Fprintf(&b, "      <node name=\"server%d\" addr=\"%s\"/>\n", i, quote(bracket(a)))
	}
	b.WriteString("    </lan>\n  </lans>\n</cluster>\n")
	if _, _, err := Parse("cluster.xml", b.Bytes()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

func commandAttr(l Lan) string {
	if l.Command {
		return ` command="on"`
	}
	return ""
}

func laddrAttr(n Node) string {
	if n.LAddr == "" {
		return ""
	}
	return fmt.Sprintf(` laddr="%s"`, bracket(n.LAddr))
}

// bracket writes an IPv6 literal the way the file wants it.
func bracket(addr string) string {
	if ip, err := netip.ParseAddr(addr); err == nil && ip.Is6() {
		return "[" + addr + "]"
	}
	return addr
}

func quote(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer never fails
	return b.String()
}

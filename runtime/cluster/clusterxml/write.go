package clusterxml

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"github.com/beevik/etree"

	"github.com/safehold/safehold/runtime/ha"
)

// Encode writes cfg in a canonical form that Parse reads back to the same
// value: what cluster_ip.xml and `cluster create` hold.
func Encode(cfg *Config) []byte {
	doc, lans := newDocument()
	lans.CreateAttr("port", strconv.Itoa(cfg.Port))
	lans.CreateAttr("pulse", strconv.FormatInt(int64(cfg.Pulse/time.Millisecond), 10))
	lans.CreateAttr("mlost_count", strconv.Itoa(cfg.MLost))
	lans.CreateAttr("slost_count", strconv.Itoa(cfg.SLost))
	for _, l := range cfg.Lans {
		lan := lans.CreateElement("lan")
		lan.CreateAttr("name", l.Name)
		if l.Command {
			lan.CreateAttr("command", "on")
		}
		for _, n := range l.Nodes {
			addNode(lan, n)
		}
	}
	return write(doc)
}

// Create writes the cluster.xml of `safekit cluster create`: one lan named
// default with nodes server0, server1, … in the order of addrs. It returns the
// Mistakes that Parse finds in the result.
func Create(addrs []string) ([]byte, error) {
	doc, lans := newDocument()
	lan := lans.CreateElement("lan")
	lan.CreateAttr("name", "default")
	for i, a := range addrs {
		addNode(lan, Node{Name: ha.NodeName(fmt.Sprintf("server%d", i)), Addr: a})
	}
	raw := write(doc)
	if _, _, err := Parse("cluster.xml", raw); err != nil {
		return nil, err
	}
	return raw, nil
}

func newDocument() (doc *etree.Document, lans *etree.Element) {
	doc = etree.NewDocument()
	return doc, doc.CreateElement("cluster").CreateElement("lans")
}

func addNode(lan *etree.Element, n Node) {
	node := lan.CreateElement("node")
	node.CreateAttr("name", string(n.Name))
	node.CreateAttr("addr", bracket(n.Addr))
	if n.LAddr != "" {
		node.CreateAttr("laddr", bracket(n.LAddr))
	}
}

func write(doc *etree.Document) []byte {
	doc.Indent(2)
	raw, err := doc.WriteToBytes()
	if err != nil {
		panic("clusterxml: a buffer does not take a document: " + err.Error())
	}
	return raw
}

// bracket writes an IPv6 literal the way the file wants it.
func bracket(addr string) string {
	if ip, err := netip.ParseAddr(addr); err == nil && ip.Is6() {
		return "[" + addr + "]"
	}
	return addr
}

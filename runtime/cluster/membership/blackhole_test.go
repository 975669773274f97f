package membership

import (
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
)

// insideEnv marks the copy of the test that runs in a network namespace.
const insideEnv = "SAFEHOLD_TEST_NETNS"

// TestCutNetworks drops packets silently, which is how real networks fail:
// nothing is closed and nothing answers. It runs in a network namespace of its
// own.
func TestCutNetworks(t *testing.T) {
	if os.Getenv(insideEnv) == "" {
		self := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCutNetworks$", "-test.timeout=5m")
		self.Env = append(os.Environ(), insideEnv+"=1")
		self.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
		if out, err := self.CombinedOutput(); err != nil {
			t.Fatalf("in the namespace (root is needed): %v\n%s", err, out)
		}
		return
	}
	lo, err := netlink.LinkByName("lo")
	if err == nil {
		err = netlink.LinkSetUp(lo)
	}
	if err != nil {
		t.Fatal(err)
	}
	cfg := twoLans(t)
	alpha := start(t, &Settings{Config: cfg, Local: "alpha", Signature: "s", Key: key(1)})
	beta := start(t, &Settings{Config: cfg, Local: "beta", Signature: "s", Key: key(1)})
	lans := func(m *member, peer string, n int) func() bool {
		return func() bool {
			for _, i := range m.Nodes() {
				if string(i.Node) == peer {
					return len(i.Lans) == n && i.Reachable
				}
			}
			return n == 0
		}
	}
	alpha.eventually(t, "both lans", lans(alpha, "beta", 2))
	drop(t, "127.0.10.2")
	alpha.eventually(t, "loss of lan one", lans(alpha, "beta", 1))
	drop(t, "127.0.10.2", "127.0.11.2")
	alpha.eventually(t, "loss of beta", lans(alpha, "beta", 0))
	beta.eventually(t, "loss of alpha", lans(beta, "alpha", 0))
	drop(t)
	alpha.eventually(t, "return of beta", lans(alpha, "beta", 2))
	beta.eventually(t, "return of alpha", lans(beta, "alpha", 2))
}

// drop makes the namespace lose every packet from or to the addresses, and
// only those.
func drop(t *testing.T, addrs ...string) {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	table := c.AddTable(&nftables.Table{Family: nftables.TableFamilyIPv4, Name: "cut"})
	c.FlushTable(table)
	chain := c.AddChain(&nftables.Chain{Name: "input", Table: table, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
	for _, a := range addrs {
		for _, offset := range []uint32{12, 16} { // source and destination in the IPv4 header
			c.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: []expr.Any{
				&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: net.ParseIP(a).To4()},
				&expr.Verdict{Kind: expr.VerdictDrop},
			}})
		}
	}
	if err := c.Flush(); err != nil {
		t.Fatal(err)
	}
}

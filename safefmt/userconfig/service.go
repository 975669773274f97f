package userconfig

import (
	"slices"
	"time"

	"github.com/safehold/safehold/runtime/ha"
)

// Boot is what happens to the module when its host boots.
type Boot string

// The values of service@boot. BootIgnore leaves it to `safekit boot -m AM on|off`.
const (
	BootOn     Boot = "on"
	BootOff    Boot = "off"
	BootAuto   Boot = "auto"
	BootIgnore Boot = "ignore"
)

// The values of service@defaultprim that are not node names.
const (
	DefaultPrimAlone = "alone"
	DefaultPrimLast  = "lastprim"
)

// Service holds the attributes of <service> (userconfig-xml.md section 5).
type Service struct {
	Mode      ha.Mode       `json:"mode"`
	Boot      Boot          `json:"boot"`
	BootDelay time.Duration `json:"boot_delay"`
	// Failover off: the secondary never takes over by itself.
	Failover bool `json:"failover"`
	// DefaultPrim is DefaultPrimAlone, DefaultPrimLast or a node name.
	DefaultPrim string `json:"defaultprim"`
	// MaxLoop counts tolerated actions within LoopInterval; LoopInterval 0
	// disables the counter.
	MaxLoop      int           `json:"maxloop"`
	LoopInterval time.Duration `json:"loop_interval"`
	// AutomaticReboot: a stopstart asked by a detector or a rule reboots the host.
	AutomaticReboot bool `json:"automatic_reboot"`
}

func (d *decoder) service(n *node) Service {
	mode, err := ha.ParseMode(d.needEnum(n, "mode", "mirror", "farm", "light"))
	if err == nil {
		d.mode = mode
	}
	s := Service{
		Mode:            d.mode,
		Boot:            Boot(d.enum(n, "boot", "ignore", "on", "off", "auto")),
		BootDelay:       d.dur(n, "boot_delay", time.Second, 0, 0),
		Failover:        d.boolean(n, "failover", true),
		DefaultPrim:     d.str(n, "defaultprim", DefaultPrimAlone),
		MaxLoop:         d.count(n, "maxloop", 3, 0),
		LoopInterval:    d.dur(n, "loop_interval", time.Hour, 24*time.Hour, 0),
		AutomaticReboot: d.boolean(n, "automatic_reboot", false),
	}
	d.checkDefaultPrim(n, s.DefaultPrim)
	return s
}

// checkDefaultPrim wants a word, a node name of the cluster or a host name.
func (d *decoder) checkDefaultPrim(n *node, value string) {
	words := []string{DefaultPrimAlone, DefaultPrimLast}
	if slices.Contains(words, value) || d.mode != ha.Mirror || !d.configured(n.lineOf("defaultprim")) {
		return
	}
	nodes := d.nodeNames()
	if slices.Contains(nodes, value) || slices.Contains(d.env.Cluster.HostNames, value) {
		return
	}
	d.errorf("U09", n.lineOf("defaultprim"), "node '%s' is not defined in the cluster configuration%s", clip(value),
		didYouMean(value, append(words, nodes...), "'%s'"))
}

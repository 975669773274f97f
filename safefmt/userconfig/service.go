package userconfig

import (
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

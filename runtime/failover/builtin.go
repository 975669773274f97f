package failover

import (
	"slices"
	"time"

	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
)

// Labels the rest of the product refers to.
const (
	LabelNotUptodate  = "rfs_notuptodate_server"
	LabelDegraded     = "degraded_server"
	LabelForce        = "rfs_forceuptodate"
	LabelSyncAt       = "rfs_syncat_wait"
	LabelFlow         = "heart_flow_wait"
	LabelWakeup       = "Implicit_wakeup"
	LabelSplitbrain   = "splitbrain_failure"
	labelTCPFailure   = "tcp_failure"
	labelPingFailure  = "ping_failure"
	oldNotUptodate    = "notuptodate_server"
	oldDegraded       = "rfs_degraded_server"
	syncDeltaDisabled = time.Minute
)

// The component rules of a mirror (failover-rules.md section 8.4).
const (
	ruleNotUptodate = LabelNotUptodate + ": if (rfs.uptodate == down && !peer_current()) then wait();"
	ruleDegraded    = LabelDegraded + ": if (remote.rfs.degraded == up && !primary()) then wait();"
	ruleForce       = LabelForce + ": if (heartbeat.* == down && cluster() == down && rfs.synced == up && rfs.uptodate == down) then rfs.uptodate=up;"
	ruleSyncAt      = LabelSyncAt + ": if (rfs.syncat == down && secondary()) then wait();"
	ruleFlow        = LabelFlow + ": if (heartbeat.flow == down && heartbeat.? == up && !primary()) then wait();"
)

// rulesDefault are present with extends="yes" (failover-rules.md section 8.2).
const rulesDefault = `
module_failure: if (module.? == down) then wait();
interface_failure: if (intf.? == down) then wait();
ip_failure: if (ip.? == down) then stopstart();
splitbrain_failure: if (splitbrain.uptodate == down) then wait();
`

// Reserved tells whether a label belongs to a component rule, in its present or
// an older name, so that users cannot write it.
func Reserved(label string) bool {
	return slices.Contains([]string{LabelNotUptodate, oldNotUptodate, LabelDegraded, oldDegraded,
		LabelForce, LabelSyncAt, LabelFlow, LabelWakeup}, label)
}

// AutomatonRule tells whether the wait of a component rule is a decision about
// roles and data, which an automaton can take by itself (View.Automaton).
func AutomatonRule(label string) bool {
	return label == LabelNotUptodate || label == LabelDegraded || label == LabelFlow
}

func (c Config) componentText() string {
	text := ""
	if c.Mode != ha.Mirror {
		return text
	}
	if c.HasRFS {
		text += ruleNotUptodate + ruleDegraded
	}
	if c.HasRFS && c.SyncDelta > syncDeltaDisabled {
		text += ruleForce
	}
	if c.HasRFS && c.SyncAt {
		text += ruleSyncAt
	}
	if c.FlowHeartbeat {
		text += ruleFlow
	}
	return text
}

// builtIn reads rule text of the product itself.
func builtIn(text string, group rule.Group, origin Origin) ([]entry, error) {
	statements, _, err := rule.Parse(text, 1, rule.Env{Mode: ha.Mirror, BuiltIn: true})
	if err != nil {
		return nil, err
	}
	var out []entry
	for _, s := range statements {
		r := *s.Rule
		r.Group, r.Pos = group, rule.Pos{}
		out = append(out, entry{Rule: r, origin: origin})
	}
	return out, nil
}

// resources lists what the product itself declares besides checkers.
func (c Config) resources() []ha.Resource {
	var out []ha.Resource
	add := func(class string, ids ...string) {
		for _, id := range ids {
			out = append(out, ha.Resource{Class: class, ID: id})
		}
	}
	if c.HasRFS {
		add("rfs", "uptodate", "degraded", "rfssync")
	}
	if c.HasRFS && c.SyncDelta > syncDeltaDisabled {
		add("rfs", "synced")
	}
	if c.HasRFS && c.SyncAt {
		add("rfs", "syncat")
	}
	if c.FlowHeartbeat {
		add("heartbeat", "flow")
	}
	for _, k := range c.Checkers {
		out = append(out, k.Resource())
		if k.Class == "splitbrain" {
			add("splitbrain", "uptodate")
		}
	}
	return append(out, c.Declared...)
}

package supervisor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
)

// TestStopAskedByARunningScript: the published packages stop their own module
// from inside start scripts; the stop must neither deadlock nor be lost.
func TestStopAskedByARunningScript(t *testing.T) {
	r := newRig(t, plain, map[string]string{"start_both": `
until [ -e "$SAFEUSERVAR/go" ]; do sleep 0.05; done
`})
	r.must(ha.VerbStart)
	r.eventually("start_both runs", func() bool { return strings.Contains(strings.Join(r.trace(), " "), "start_both") })
	if err := r.command(ha.VerbStop, "start_both"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(r.tree.UserVar("app"), "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.reach(ha.Stop)
	r.logs("Action stop called by start_both", "Script stop_both", `Script stop_both "force"`, "Local state STOP NotReady")
	if strings.Contains(strings.Join(r.logged(), "\n"), "UP Ready") {
		t.Error("the module became Ready on the way")
	}
}

func TestHangingStopIsKilledAndForced(t *testing.T) {
	xml := strings.Replace(plain, `nicestoptimeout="60s"`, `nicestoptimeout="1s"`, 1)
	r := newRig(t, xml, map[string]string{"stop_both": `
[ "$1" = force ] || [ "$3" != stop ] || exec sleep 600
`})
	r.must(ha.VerbStart)
	r.reach(ha.Up)
	r.must(ha.VerbStop)
	r.reach(ha.Stop)
	r.logs("Script stop_both did not end in time and was killed", `Script stop_both "force"`, "Local state STOP NotReady")
}

func TestForcestopKillsTheRunningScript(t *testing.T) {
	r := newRig(t, plain, map[string]string{"start_both": "\nexec sleep 600\n"})
	r.must(ha.VerbStart)
	r.eventually("start_both runs", func() bool { return strings.Contains(strings.Join(r.trace(), " "), "start_both") })
	r.must(ha.VerbForceStop)
	r.reach(ha.Stop)
}

func TestScriptThatExitsNonZeroChangesNoState(t *testing.T) {
	r := newRig(t, plain, map[string]string{"start_both": "\nexit 1\n"})
	r.must(ha.VerbStart)
	r.reach(ha.Up)
	r.logs("Script start_both: exit status 1")
}

const withCustom = `<safe><service mode="light" maxloop="2"><failover period="100ms" handle_time="0ms"/><user/>
<check><custom ident="app" when="both" exec="chk" action="restart"/></check></service></safe>`

// TestCustomCheckerRestartsUntilMaxloop: the checker's resource goes down, its
// rule restarts the module, and the third time in the window stops it.
func TestCustomCheckerRestartsUntilMaxloop(t *testing.T) {
	r := newRig(t, withCustom, map[string]string{"chk": "\nexec sleep 600\n"})
	r.must(ha.VerbStart)
	for i := range 3 {
		r.reach(ha.Up)
		r.eventually("the checker runs again", func() bool {
			return strings.Count(strings.Join(r.trace(), "\n"), "chk app custom.app") == i+1
		})
		if err := r.Call(t.Context(), control.PathSet, control.Set{Resource: "custom.app", Value: "down", Identity: "chk"}, nil); err != nil {
			t.Fatal(err)
		}
		if i < 2 {
			r.eventually("the module restarts", func() bool {
				return strings.Count(strings.Join(r.trace(), "\n"), "start_both") == i+2
			})
		}
	}
	r.reach(ha.Stop)
	r.logs("Resource custom.app set to down by chk", "Action restart from failover rule c_app", "Action restart from failover rule c_app", "Action stop called by maxloop", "Local state STOP NotReady")
	var reached control.LoopState
	if err := r.Call(t.Context(), control.PathLoop, control.Loop{Op: "check"}, &reached); err != nil || !reached.Reached {
		t.Errorf("checkloop: %+v, %v", reached, err)
	}
	var v control.Value
	if err := r.Call(t.Context(), control.PathGet, control.Get{Resource: "custom.app"}, &v); err != nil || v.Value != ha.ValueInit {
		t.Errorf("custom.app is %q after the stop, %v", v.Value, err)
	}
}

func TestCheckerSwitchedOff(t *testing.T) {
	r := newRig(t, withCustom, map[string]string{"chk": "\nexec sleep 600\n"})
	r.must(ha.VerbStart)
	r.reach(ha.Up)
	if err := r.Call(t.Context(), control.PathSetting, control.Setting{Name: "checker"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := r.Call(t.Context(), control.PathSet, control.Set{Resource: "custom.app", Value: "down", Identity: "chk"}, nil); err != nil {
		t.Fatal(err)
	}
	r.must(ha.VerbRestart) // rules are evaluated many times while this runs
	r.reach(ha.Up)
	if n := strings.Count(strings.Join(r.logged(), "\n"), "from failover rule c_app"); n != 0 {
		t.Errorf("the rule acted %d times while checkers are off", n)
	}
	r.must(ha.VerbStop)
	r.reach(ha.Stop)
	var v control.Value
	if err := r.Call(t.Context(), control.PathGet, control.Get{Resource: "usersetting.checker"}, &v); err != nil || v.Value != "off" {
		t.Errorf("usersetting.checker is %q after the stop, %v", v.Value, err)
	}
}

// TestSupervisorEndsWhileUp: the next supervisor finds the module marked as
// started in the same boot and starts it again through prestart.
func TestSupervisorEndsWhileUp(t *testing.T) {
	r := newRig(t, plain, nil)
	r.must(ha.VerbStart)
	r.reach(ha.Up)
	if err := r.stop(); err != nil { // ends without stopping the module, as a kill would
		t.Fatal(err)
	}
	r.serve()
	r.reach(ha.Up)
	r.logs("The module's supervisor ended unexpectedly", "Script prestart", "Script start_both", "Local state UP Ready")
}

func TestRuntimeResourcesCannotBeSet(t *testing.T) {
	r := newRig(t, plain, nil)
	for _, name := range []string{"state.local", "usersetting.errd", "rfs.uptodate", "heartbeat.x", "nodot"} {
		if err := r.Call(t.Context(), control.PathSet, control.Set{Resource: name, Value: "up"}, nil); err == nil {
			t.Errorf("%s was set", name)
		}
	}
}

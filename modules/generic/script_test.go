package generic

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestServicesStartInOrderAndStopInReverse(t *testing.T) {
	for module, script := range map[string]string{"mirror": "prim", "light": "both", "farm": "both"} {
		t.Run(module, func(t *testing.T) {
			h := newHost(t, module, " one.service, My Service ,three")
			h.expect(0, "prestart", "STOP", "WAIT", "start")
			h.expect(0, "start_"+script, "WAIT", "ALONE", "start")
			h.expect(0, "start_"+script, "ALONE", "ALONE")
			h.expect(0, "stop_"+script, "ALONE", "STOP", "stop")
			h.expect(0, "stop_"+script, "force", "ALONE", "STOP", "stop")
			h.expect(0, "poststop", "ALONE", "STOP", "stop")
			want := "start -- one.service\nstart -- My Service\nstart -- three\n" +
				"stop -- three\nstop -- My Service\nstop -- one.service\n"
			if diff := cmp.Diff(want, h.log()); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(h.safekit(), "printe") {
				t.Errorf("errors: %s", h.safekit())
			}
		})
	}
}

func TestSomeServices(t *testing.T) {
	h := newHost(t, "mirror", "a,b,c")
	h.expect(0, "start_prim", "ALONE", "ALONE", "-Services", "b, c")
	h.expect(0, "stop_prim", "ALONE", "ALONE", "-Services", "b,", "c")
	want := "start -- b\nstart -- c\nstop -- c\nstop -- b\n"
	if diff := cmp.Diff(want, h.log()); diff != "" {
		t.Error(diff)
	}
}

// TestFailedStart is acceptance.md S-20: an error, and the module's stop under
// the script's name.
func TestFailedStart(t *testing.T) {
	for module, script := range map[string]string{"mirror": "start_prim", "farm": "start_both"} {
		h := newHost(t, module, "a,b,c")
		h.unit("b.fail", "")
		h.expect(1, script, "WAIT", "ALONE", "start")
		wants(t, h.safekit(), "printi service a started", "printe service b does not run", "stop -i "+script)
		if strings.Contains(h.log(), "start -- c") {
			t.Errorf("went on after a failure:\n%s", h.log())
		}
	}
}

func TestStuckServiceIsKilledByForce(t *testing.T) {
	h := newHost(t, "mirror", "a,b")
	h.expect(0, "start_prim")
	h.unit("b.stuck", "")
	h.expect(1, "stop_prim", "ALONE", "STOP", "stop")
	wants(t, h.safekit(), "printe service b still runs", "printi service a stopped")
	h.expect(0, "stop_prim", "force", "ALONE", "STOP", "stop")
	wants(t, h.log(), "kill --signal=SIGKILL -- b", "stop -- b")
}

func TestPrestartStopsLeftovers(t *testing.T) {
	h := newHost(t, "light", "a,b")
	h.unit("a", "active\n")
	h.unit("a.stuck", "")
	h.expect(0, "prestart", "STOP", "WAIT", "start")
	wants(t, h.log(), "stop -- a", "kill", "stop -- a")

	h.unit("b", "deactivating\n")
	h.unit("b.stuck", "")
	h.write(filepath.Join(h.bin, "stop_both"), "#!/bin/sh\n")
	h.expect(1, "prestart", "STOP", "WAIT", "start")
	wants(t, h.safekit(), "printe service b still runs: the module is not started", "stop -i prestart")
	h.expect(0, "poststop", "UP", "STOP", "stop")
	wants(t, h.safekit(), "printe service b still runs although the module is stopped")
}

func TestPostconfig(t *testing.T) {
	h := newHost(t, "mirror", "a,b")
	h.unit("b.enabled", "")
	h.vars = append(h.vars, "SERVICES=", "CONFIGURED_SERVICES=a, b") // no <user> variables here
	out, code := h.run("postconfig")
	if code != 0 {
		t.Errorf("exit code %d", code)
	}
	wants(t, out, "service b is no longer started at boot")
	if h.log() != "disable -- b\n" {
		t.Errorf("systemctl calls: %s", h.log())
	}
	h.vars = append(h.vars, "CONFIGURED_SERVICES=a,gone")
	out, code = h.run("postconfig")
	if want := "Error: service gone does not exist on this node\nInstall it or correct SERVICES in userconfig.xml\n"; out != want || code != 1 {
		t.Errorf("exit code %d, output %q, want %q", code, out, want)
	}
}

func TestHooks(t *testing.T) {
	h := newHost(t, "mirror", "")
	for _, hook := range []string{"app_start", "app_stop"} {
		h.write(filepath.Join(h.bin, hook), "#!/bin/sh\necho \"$0 $*\" >>$UNITS/hooks\n[ ! -e $UNITS/hookfails ]\n")
	}
	h.expect(0, "prestart", "STOP", "WAIT", "start")
	h.expect(0, "start_prim", "WAIT", "ALONE", "start")
	h.expect(0, "stop_prim", "force", "ALONE", "STOP", "stop")
	h.expect(0, "postconfig")
	got := strings.ReplaceAll(h.read("hooks"), h.bin+"/", "")
	want := "app_stop \napp_stop force\napp_start WAIT ALONE start\napp_stop force ALONE STOP stop\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	h.unit("hookfails", "")
	h.expect(1, "start_prim", "WAIT", "ALONE", "start")
	h.expect(1, "stop_prim", "ALONE", "STOP", "stop")
	wants(t, h.safekit(), "printe app_start failed", "stop -i start_prim", "printe app_stop failed")
}

// TestSharedScriptsAreEqual: each package is complete by itself, so common
// files exist three times.
func TestSharedScriptsAreEqual(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for _, name := range []string{"service_lib", "poststop", "postconfig", "app_start", "app_stop"} {
		for _, other := range []string{"light", "farm"} {
			if read("mirror/bin/"+name) != read(other+"/bin/"+name) {
				t.Errorf("%s differs in %s", name, other)
			}
		}
	}
	for _, name := range []string{"prestart", "start_both", "stop_both"} {
		if read("light/bin/"+name) != read("farm/bin/"+name) {
			t.Errorf("%s differs in farm", name)
		}
	}
}

package kvm

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestStart(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("a")
	n.set("autostart", "enable")
	n.mustRun("start_prim", "WAIT", "ALONE", "start")
	if !n.alive() {
		t.Error("the machine does not run")
	}
	wants(t, n.read(filepath.Join(n.lib, "log")), "autostart --disable", "managedsave-remove", "start "+n.name)
	wants(t, n.log(), "printi autostart of", "printi "+n.name+" runs")
	if strings.Contains(n.log(), "stop -i") || strings.Contains(n.log(), "printe") {
		t.Errorf("safekit calls:\n%s", n.log())
	}
	if got := n.read(filepath.Join(n.dir, "domain.xml")); got != definition(n.name, "a") {
		t.Errorf("domain.xml is %q", got)
	}

	was := n.read(filepath.Join(n.lib, "pid"))
	n.mustRun("start_prim", "ALONE", "ALONE")
	if n.read(filepath.Join(n.lib, "pid")) != was {
		t.Error("a running machine was started again")
	}
}

// TestStartFailures covers acceptance.md S-19 and what else makes a start
// fail: an error for the operator, then the stop of the module.
func TestStartFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name  string
		spoil func(n *node)
		want  []string
	}{
		{"never starts", func(n *node) { n.define("a"); n.set("nostart", "") },
			[]string{"printe", "does not run 1 seconds after its start: state shut off", "printe virsh start", "no such disk", "stop -i start_prim"}},
		{"unknown machine", func(*node) {},
			[]string{"printe", "is not defined on this node", "stop -i start_prim"}},
		{"foreign definition", func(n *node) { n.write(filepath.Join(n.dir, "domain.xml"), definition("other", "")) },
			[]string{"printe", "but 'other'", "stop -i start_prim"}},
		{"libvirt silent", func(n *node) { n.set("silent", "") },
			[]string{"printe libvirt does not answer", "stop -i start_prim"}},
		{"no directory", func(n *node) { n.vars = append(n.vars, "VM_PATH=/nowhere") },
			[]string{"printe directory /nowhere", "stop -i start_prim"}},
		{"no name", func(n *node) { n.vars = append(n.vars, "VM_NAME=", "VM_UNDER_TEST=") },
			[]string{"printe VM_NAME and VM_PATH must be set", "stop -i start_prim"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t)
			n.vars = append(n.vars, "VM_START_TIMEOUT=1")
			tc.spoil(n)
			if _, code := n.run("start_prim", "WAIT", "ALONE", "start"); code != 1 {
				t.Errorf("exit code %d", code)
			}
			wants(t, n.log(), tc.want...)
		})
	}
}

func TestGracefulStop(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("a")
	n.mustRun("start_prim")
	n.define("changed with virsh edit")
	n.mustRun("stop_prim", "ALONE", "STOP", "stop")
	if n.alive() {
		t.Error("the machine runs")
	}
	wants(t, n.log(), "shut down")
	wants(t, n.read(filepath.Join(n.dir, "domain.xml")), "changed with virsh edit")
	if strings.Contains(n.read(filepath.Join(n.lib, "log")), "destroy") {
		t.Error("destroyed on a graceful stop")
	}
	n.mustRun("stop_prim", "force", "ALONE", "STOP", "stop")
	n.mustRun("poststop", "ALONE", "STOP", "stop")
}

func TestPausedGuestIsResumedToShutDown(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("a")
	n.mustRun("start_prim")
	n.set("state", "paused\n")
	n.mustRun("stop_prim")
	wants(t, n.read(filepath.Join(n.lib, "log")), "resume", "shutdown")
}

// TestHungGuest: a guest that ignores the request is reported, then forced;
// when libvirt cannot or does not answer, the emulator itself is killed.
func TestHungGuest(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, trouble, want string }{
		{"destroy works", "hung", "stopped by force"},
		{"destroy without effect", "immortal", "is killed"},
		{"libvirt gone", "silent", "is killed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n := newNode(t)
			n.vars = append(n.vars, "VM_STOP_TIMEOUT=1", "VM_FORCE_TIMEOUT=3")
			n.define("a")
			n.mustRun("start_prim")
			n.set("hung", "")
			n.set(tc.trouble, "")
			if _, code := n.run("stop_prim", "ALONE", "STOP", "stop"); code != 1 || !n.alive() {
				t.Errorf("graceful stop: exit code %d, alive %v", code, n.alive())
			}
			wants(t, n.log(), "printe", "did not shut down within 1 seconds")
			if _, code := n.run("stop_prim", "force", "ALONE", "STOP", "stop"); code != 0 {
				t.Errorf("forced stop: exit code %d", code)
			}
			if n.alive() {
				t.Error("the machine runs after a forced stop")
			}
			wants(t, n.log(), tc.want)
		})
	}
}

func TestPrestart(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("a")
	n.mustRun("prestart", "STOP", "WAIT", "start")
	if log := n.log(); log != "" {
		t.Errorf("calls although nothing runs: %s", log)
	}
	n.mustRun("start_prim")
	n.set("hung", "")
	n.vars = append(n.vars, "VM_STOP_TIMEOUT=1")
	n.mustRun("prestart", "STOP", "WAIT", "start")
	if n.alive() {
		t.Error("the leftover machine runs")
	}
	wants(t, n.log(), "runs before the module does", "stopped by force")
}

func TestEscapedMachineIsReported(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("a")
	n.mustRun("start_prim")
	if _, code := n.run("poststop", "ALONE", "STOP", "stop"); code != 1 {
		t.Errorf("exit code %d", code)
	}
	wants(t, n.log(), "printe", "still runs on this node although the module is stopped")
}

func TestCheckerTransitions(t *testing.T) {
	t.Parallel()
	n := newNode(t)
	n.define("a")
	n.mustRun("start_prim")
	cmd := n.command("vmcheck", "kvm", "custom."+n.name+"_check", n.name)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("the checker ended by itself")
		}
	})
	set := "set -r custom." + n.name + "_check -v "
	count := func(v string) int { return strings.Count(n.log(), set+v+" -m kvm\n") }
	looks := func() int { return strings.Count(n.read(filepath.Join(n.lib, "log")), "domstate") }
	// more waits for a few more looks of the checker.
	more := func() {
		t.Helper()
		from := looks()
		n.eventually("more looks", func() bool { return looks() > from+3 })
	}

	n.eventually("first up", func() bool { return count("up") == 1 })
	more()
	n.set("state", "paused\n")
	n.set("reason", "user")
	more()
	n.set("silent", "") // libvirt restarts: the emulator counts
	more()
	if err := os.Remove(filepath.Join(n.lib, "silent")); err != nil {
		t.Fatal(err)
	}
	if count("down") != 0 || count("up") != 1 {
		t.Errorf("told although nothing changed:\n%s", n.log())
	}
	n.set("reason", "I/O error")
	n.eventually("down on a disk error", func() bool { return count("down") == 1 })
	n.set("state", "running\n")
	n.eventually("up again", func() bool { return count("up") == 2 })
	n.set("state", "shut off\n")
	n.eventually("down when off", func() bool { return count("down") == 2 })
	more()
	if count("down") != 2 || count("up") != 2 {
		t.Errorf("told more than once:\n%s", n.log())
	}
}

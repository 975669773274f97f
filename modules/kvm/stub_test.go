package kvm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait; it is long because machines may be busy.
const patience = 2 * time.Minute

// stubVirsh plays libvirt with files in $LIBVIRT: state, defined (the XML),
// autostart, and switches named after what goes wrong. A started machine is a
// real process that looks like an emulator.
const stubVirsh = `#!/bin/bash
echo "$*" >>"$LIBVIRT/log"
[ ! -e "$LIBVIRT/silent" ] || { echo "error: failed to connect to the hypervisor" >&2; exit 1; }
name=$VM_UNDER_TEST
state() {
    if tr -d '\0' 2>/dev/null <"/proc/$(cat "$LIBVIRT/pid" 2>/dev/null || echo 0)/cmdline" | grep -q .; then cat "$LIBVIRT/state"; else echo "shut off"; fi
}
off() { kill -KILL $(cat "$LIBVIRT/pid"); echo "shut off" >"$LIBVIRT/state"; }
need() { [ -e "$LIBVIRT/defined" ] || { echo "error: failed to get domain '$name'" >&2; exit 1; }; }
case $1 in
list) exit 0 ;;
define)
    [ ! -e "$LIBVIRT/taken" ] || { echo "error: domain '$name' already exists with uuid" >&2; exit 1; }
    cp "$2" "$LIBVIRT/defined" ;;
undefine) need; rm -f "$LIBVIRT/defined" "$LIBVIRT/taken" ;;
dumpxml) need; cat "$LIBVIRT/defined" ;;
domstate)
    need
    if [ "$2" = --reason ]; then echo "$(state) ($(cat "$LIBVIRT/reason"))"; else state; fi ;;
dominfo) need; echo "Autostart:      $(cat "$LIBVIRT/autostart" 2>/dev/null || echo disable)" ;;
autostart) need; echo disable >"$LIBVIRT/autostart" ;;
managedsave-remove) exit 0 ;;
start)
    need
    [ ! -e "$LIBVIRT/nostart" ] || { echo "error: no such disk" >&2; exit 1; }
    "$LIBVIRT/qemu-system-x86_64" -c 'read -t 300 -u 3 3<>"$LIBVIRT/fifo"' qemu -name "guest=$name,debug-threads=on" </dev/null >/dev/null 2>&1 &
    echo $! >"$LIBVIRT/pid"
    echo running >"$LIBVIRT/state" ;;
resume) echo running >"$LIBVIRT/state" ;;
shutdown) [ -e "$LIBVIRT/hung" ] || off ;;
destroy) [ -e "$LIBVIRT/immortal" ] || off ;;
snapshot-list) ls "$LIBVIRT/snapshots" 2>/dev/null; exit 0 ;;
snapshot-dumpxml) cat "$LIBVIRT/snapshots/$4" ;;
snapshot-current) cat "$LIBVIRT/current" ;;
snapshot-create)
    [ ! -e "$LIBVIRT/nosnapshot" ] || exit 1
    mkdir -p "$LIBVIRT/snapshots"
    n=$(sed -n 's/ *<name>\(.*\)<.name>/\1/p' "$3" | head -n 1)
    cp "$3" "$LIBVIRT/snapshots/$n"
    [ "$5" != --current ] || echo "$n" >"$LIBVIRT/current" ;;
snapshot-delete) rm -f "$LIBVIRT/snapshots/$3" ;;
*) echo "error: unknown command $1" >&2; exit 1 ;;
esac
`

const stubSafekit = `#!/bin/bash
echo "$*" >>"$LIBVIRT/safekit"
`

const stubXpath = `#!/bin/bash
case $1 in
*VM_NAME*) echo "$VM_UNDER_TEST" ;;
*VM_PATH*) echo "$VM_DIR" ;;
esac
`

// node is one node with a stub libvirt and the module's scripts.
type node struct {
	t    *testing.T
	name string // the machine
	lib  string // libvirt's files
	vms  string // VM_PATH
	dir  string // VM_PATH/VM_NAME
	vars []string
}

// machines numbers the machines of a test process, since emulators are found
// by name among all processes of the host.
var machines atomic.Int64

func newNode(t *testing.T) *node {
	t.Helper()
	top := t.TempDir()
	n := &node{t: t, lib: filepath.Join(top, "libvirt"), vms: filepath.Join(top, "vms")}
	n.name = fmt.Sprintf("vm%d-%d", os.Getpid(), machines.Add(1))
	n.dir = filepath.Join(n.vms, n.name)
	for _, d := range []string{n.lib, n.dir, filepath.Join(top, "safe/private/bin"), filepath.Join(top, "path"), filepath.Join(top, "var")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	n.write(filepath.Join(top, "path/virsh"), stubVirsh)
	n.write(filepath.Join(top, "safe/safekit"), stubSafekit)
	n.write(filepath.Join(top, "safe/private/bin/xpathGet"), stubXpath)
	bash, err := os.ReadFile("/bin/bash")
	if err != nil {
		t.Fatal(err)
	}
	n.write(filepath.Join(n.lib, "qemu-system-x86_64"), string(bash))
	if err := syscall.Mkfifo(filepath.Join(n.lib, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	bin, err := filepath.Abs("bin")
	if err != nil {
		t.Fatal(err)
	}
	n.vars = []string{
		"PATH=" + filepath.Join(top, "path") + ":/usr/sbin:/usr/bin:/sbin:/bin",
		"SAFE=" + filepath.Join(top, "safe"), "SAFEBIN=" + filepath.Join(top, "safe/private/bin"),
		"SAFEUSERBIN=" + bin, "SAFEUSERVAR=" + filepath.Join(top, "var"), "SAFEUSERCONF=" + top, "SAFEMODULE=kvm",
		"LIBVIRT=" + n.lib, "VM_UNDER_TEST=" + n.name, "VM_DIR=" + n.vms,
		"VM_POLL=0.2", "VM_CHECK_INTERVAL=0.3", "VM_START_TIMEOUT=20", "VM_STOP_TIMEOUT=20", "VM_FORCE_TIMEOUT=20",
		"VM_NAME=" + n.name, "VM_PATH=" + n.vms, "SNAPSHOT_DIR=",
	}
	t.Cleanup(n.killMachine)
	return n
}

func (n *node) write(path, text string) {
	n.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		n.t.Fatal(err)
	}
}

// set turns a switch or writes a file of the stub libvirt.
func (n *node) set(name, text string) { n.write(filepath.Join(n.lib, name), text) }

func (n *node) read(path string) string {
	data, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		n.t.Fatal(err)
	}
	return string(data)
}

func (n *node) log() string { return n.read(filepath.Join(n.lib, "safekit")) }

// define gives the machine a definition with a comment to tell it by.
func (n *node) define(comment string) { n.set("defined", definition(n.name, comment)) }

func definition(name, comment string) string {
	return "<domain type='kvm'>\n  <name>" + name + "</name>\n  <!-- " + comment + " -->\n</domain>\n"
}

func (n *node) command(script string, args ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	n.t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, filepath.Join("bin", script), args...)
	cmd.Env = n.vars
	cmd.WaitDelay = time.Second
	return cmd
}

// run runs a script and gives its output and exit code.
func (n *node) run(script string, args ...string) (string, int) {
	n.t.Helper()
	out, err := n.command(script, args...).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		n.t.Fatalf("%s: %v\n%s", script, err, out)
	}
	n.t.Logf("%s %s:\n%s", script, strings.Join(args, " "), out)
	if exit != nil {
		return string(out), exit.ExitCode()
	}
	return string(out), 0
}

// mustRun is run for a script that must succeed.
func (n *node) mustRun(script string, args ...string) string {
	n.t.Helper()
	out, code := n.run(script, args...)
	if code != 0 {
		n.t.Fatalf("%s: exit code %d", script, code)
	}
	return out
}

// alive tells whether the machine's emulator runs.
func (n *node) alive() bool {
	pid := strings.TrimSpace(n.read(filepath.Join(n.lib, "pid")))
	if pid == "" {
		return false
	}
	comm := n.read(filepath.Join("/proc", pid, "cmdline"))
	return strings.Contains(comm, "guest="+n.name+",")
}

func (n *node) killMachine() {
	var pid int
	if _, err := fmt.Sscan(n.read(filepath.Join(n.lib, "pid")), &pid); err == nil && n.alive() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			n.t.Log(err)
		}
	}
}

// eventually polls until the condition holds.
func (n *node) eventually(what string, cond func() bool) {
	n.t.Helper()
	for end := time.Now().Add(patience); !cond(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			n.t.Fatalf("never: %s\nsafekit:\n%svirsh:\n%s", what, n.log(), n.read(filepath.Join(n.lib, "log")))
		}
	}
}

// wants checks that a text has every part, in this order.
func wants(t *testing.T, text string, parts ...string) {
	t.Helper()
	rest := text
	for _, p := range parts {
		_, after, ok := strings.Cut(rest, p)
		if !ok {
			t.Errorf("no %q, in this order, in:\n%s", p, text)
			return
		}
		rest = after
	}
}

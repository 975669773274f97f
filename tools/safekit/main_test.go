package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/paths"
	"github.com/safehold/safehold/safefmt"
)

// patience bounds every wait of the tests; only a failure takes so long.
const patience = 60 * time.Second

// TestMain: a copy of the test binary named safekit is the product's binary.
func TestMain(m *testing.M) {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	if filepath.Base(self) == "safekit" {
		main()
	}
	os.Exit(m.Run())
}

// TestCommands runs the scripts of testdata/cli, each with a node of its own:
// its folders, its daemon in a network namespace with the address 10.250.0.1.
func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("..", "..", "testdata", "cli"),
		Setup: prepare,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"daemon": daemonCommand, "pack": packCommand, "eventually": eventually,
		},
	})
}

func prepare(env *testscript.Env) error {
	tree := paths.Tree{Safe: filepath.Join(env.WorkDir, "s"), Var: filepath.Join(env.WorkDir, "v")}
	if err := os.MkdirAll(tree.Packages(), 0o755); err != nil {
		return err
	}
	if err := install(tree.Binary()); err != nil {
		return err
	}
	env.Setenv("SAFE", tree.Safe)
	env.Setenv("SAFEVAR", tree.Var)
	env.Setenv("SAFEBIN", tree.Bin())
	env.Setenv("PATH", tree.Safe+":"+os.Getenv("PATH"))
	env.Defer(func() { killNode(tree) })
	return nil
}

// install copies this binary to the place of the product's.
func install(to string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if os.Link(self, to) == nil {
		return nil
	}
	in, err := os.Open(self)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

func treeOf(ts *testscript.TestScript) paths.Tree {
	return paths.Tree{Safe: ts.Getenv("SAFE"), Var: ts.Getenv("SAFEVAR")}
}

// daemonCommand is "daemon start", "daemon stop" (TERM) and "daemon kill".
func daemonCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: daemon start|stop|kill")
	}
	if args[0] == "start" {
		ts.Check(startDaemon(treeOf(ts)))
		return
	}
	signals := map[string]syscall.Signal{"stop": syscall.SIGTERM, "kill": syscall.SIGKILL}
	s, ok := signals[args[0]]
	if !ok {
		ts.Fatalf("unknown daemon %s", args[0])
	}
	var pong control.Pong
	ts.Check(ping(treeOf(ts), &pong))
	ts.Check(syscall.Kill(pong.PID, s))
	ts.Check(until(func() bool { return errors.Is(ping(treeOf(ts), nil), control.ErrDown) }))
}

func ping(tree paths.Tree, out any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return control.Dial(tree.DaemonSocket()).Call(ctx, control.PathPing, control.None{}, out)
}

// startDaemon starts a daemon in a network namespace of its own.
func startDaemon(tree paths.Tree) error {
	if err := os.MkdirAll(tree.Var, 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(tree.Var, "daemon.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	const net = `ip addr add 10.250.0.1/24 dev lo && ip link set lo up && exec "$0" daemon`
	c := exec.Command("/bin/sh", "-c", net, tree.Binary())
	c.Env = append(os.Environ(), tree.Env()...)
	c.Stdout, c.Stderr = out, out
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Setpgid: true}
	if err := c.Start(); err != nil {
		return err
	}
	go func() { _ = c.Wait() }() // its end is seen at its socket
	if err := until(func() bool { return ping(tree, nil) == nil }); err != nil {
		said, _ := os.ReadFile(out.Name())
		return fmt.Errorf("the daemon does not answer: %w\n%s", err, said)
	}
	return nil
}

// until polls the condition.
func until(holds func() bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return nil
		}
	}
	return errors.New("not within " + patience.String())
}

// packCommand is "pack DIR FILE": a package of the directory.
func packCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: pack DIR FILE")
	}
	dir := ts.MkAbs(args[0])
	scripts, err := filepath.Glob(filepath.Join(dir, "bin", "*"))
	ts.Check(err)
	for _, s := range scripts {
		ts.Check(os.Chmod(s, 0o755))
	}
	f, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(errors.Join(safefmt.Pack(context.Background(), dir, f), f.Close()))
}

// eventually is "eventually [!] COMMAND…": repeat until it succeeds, or fails.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	fail := len(args) > 0 && args[0] == "!"
	if fail {
		args = args[1:]
	}
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually [!] COMMAND…")
	}
	if err := until(func() bool { return (ts.Exec(args[0], args[1:]...) != nil) == fail }); err != nil {
		ts.Fatalf("%s: %v", strings.Join(args, " "), err)
	}
}

// killNode kills every process that has the node's folders in its environment.
func killNode(tree paths.Tree) {
	mark := "\x00SAFEVAR=" + tree.Var + "\x00"
	err := until(func() bool {
		found := false
		all, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, file := range all {
			env, err := os.ReadFile(file)
			if err != nil || !strings.Contains("\x00"+string(env), mark) {
				continue
			}
			found = true
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		return !found
	})
	if err != nil {
		panic("processes of " + tree.Var + " do not die")
	}
}

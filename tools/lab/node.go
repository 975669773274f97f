package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Node is one server of the lab.
type Node struct {
	Number int // from 1
	Name   string
	lab    *Lab
	disk   *disk
	init   *exec.Cmd // nil while powered off
	fs     *os.File  // the disk's root, held to pull the plug
}

// Running tells whether the node has power.
func (n *Node) Running() bool { return n.init != nil }

// Pid of the node's first process, as the machine sees it.
func (n *Node) Pid() int { return n.init.Process.Pid }

// PowerOn starts the node: namespaces, disk, networks. The product is not
// started; see StartDaemon.
func (n *Node) PowerOn(ctx context.Context) error {
	if n.Running() {
		return fmt.Errorf("%s already has power", n.Name)
	}
	if err := n.disk.attach(ctx); err != nil {
		return err
	}
	ready, tell, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("power on %s: %w", n.Name, err)
	}
	defer ready.Close()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("power on %s: %w", n.Name, err)
	}
	c := exec.Command(self)
	c.Env = append(os.Environ(), initEnv+"="+n.Name+":"+n.disk.loop+":"+n.lab.dir)
	c.ExtraFiles = []*os.File{tell}
	var complaint bytes.Buffer
	c.Stderr = &complaint
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		Setsid:     true,
		Pdeathsig:  syscall.SIGKILL,
	}
	err = c.Start()
	tell.Close()
	if err != nil {
		return fmt.Errorf("power on %s: %w", n.Name, err)
	}
	if word, _ := io.ReadAll(ready); string(word) != "ready" {
		_ = c.Wait()
		return fmt.Errorf("power on %s: %s", n.Name, strings.TrimSpace(complaint.String()))
	}
	n.init = c
	n.fs, err = os.Open(fmt.Sprintf("/proc/%d/root%s", n.Pid(), diskMount))
	if err != nil {
		return fmt.Errorf("power on %s: %w", n.Name, err)
	}
	return n.lab.fabric.plug(ctx, n.Number, n.Pid())
}

// PowerCut takes the power away in the middle of whatever the node does. What
// it had not synced is lost.
func (n *Node) PowerCut(ctx context.Context) error {
	if !n.Running() {
		return fmt.Errorf("%s has no power", n.Name)
	}
	for _, net := range networks {
		if err := n.lab.fabric.cut(ctx, n.Number, net); err != nil {
			return err
		}
	}
	if err := dropFS(int(n.fs.Fd())); err != nil {
		return fmt.Errorf("drop the disk of %s: %w", n.Name, err)
	}
	return n.end(ctx)
}

// end kills every process of the node at once and waits until its disk is free.
func (n *Node) end(ctx context.Context) error {
	if err := n.init.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", n.Name, err)
	}
	_ = n.init.Wait() // killed: that is its result
	n.fs.Close()
	n.init, n.fs = nil, nil
	n.lab.fabric.unplug(ctx, n.Number)
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return n.disk.detach(wait)
}

// Shutdown stops the modules as an operating system would and takes the power.
func (n *Node) Shutdown(ctx context.Context) error {
	if _, err := n.Safekit(ctx, "shutdown"); err != nil {
		return err
	}
	if err := run(ctx, "nsenter", "--target", fmt.Sprint(n.Pid()), "--mount", "--root", "sync"); err != nil {
		return err
	}
	return n.end(ctx)
}

// Cut makes the network silent for this node; Heal undoes it.
func (n *Node) Cut(ctx context.Context, nets ...Network) error {
	return n.each(nets, func(net Network) error { return n.lab.fabric.cut(ctx, n.Number, net) })
}

// Heal joins the node to the networks again.
func (n *Node) Heal(ctx context.Context, nets ...Network) error {
	return n.each(nets, func(net Network) error { return n.lab.fabric.heal(ctx, n.Number, net) })
}

func (n *Node) each(nets []Network, f func(Network) error) error {
	if len(nets) == 0 {
		nets = networks
	}
	for _, net := range nets {
		if err := f(net); err != nil {
			return err
		}
	}
	return nil
}

// Command prepares a command that runs on the node.
func (n *Node) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	enter := []string{"--target", fmt.Sprint(n.Pid()), "--mount", "--net", "--pid", "--uts", "--ipc", "--root", "--wd=/", "--", name}
	c := exec.CommandContext(ctx, "nsenter", append(enter, args...)...)
	// nsenter's child outlives it and may hold the output; it ends with the node.
	c.WaitDelay = 2 * time.Second
	c.Env = append(os.Environ(), "PATH=/opt/safekit:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	return c
}

// Run runs a command on the node and gives what it printed.
func (n *Node) Run(ctx context.Context, name string, args ...string) (string, error) {
	if !n.Running() {
		return "", fmt.Errorf("%s has no power", n.Name)
	}
	out, err := n.Command(ctx, name, args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %s %s: %w: %s", n.Name, name, strings.Join(args, " "), err, strings.TrimSpace(string(out)))
	}
	return string(out), nil
}

// Safekit runs the product's command on the node.
func (n *Node) Safekit(ctx context.Context, args ...string) (string, error) {
	return n.Run(ctx, "/opt/safekit/safekit", args...)
}

// Path is how the machine reaches a path of the node's disk; only folders the
// node has of its own are there. It must not be used below a replicated
// directory while the module runs.
func (n *Node) Path(path string) string {
	return filepath.Join(fmt.Sprintf("/proc/%d/root", n.Pid()), path)
}

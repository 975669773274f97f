package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/paths"
	"github.com/safehold/safehold/runtime/proc"
	"github.com/safehold/safehold/runtime/supervisor"
)

// supervise runs one module until its daemon lets it go. When asked ends (TERM)
// the module is stopped first; a second TERM ends at once.
func supervise(asked context.Context, forget func(), name string) error {
	frugal(supervisorMemory)
	m, err := module.ParseName(name)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, tree := newLog(), paths.FromEnv()
	s, err := supervisor.New(supervisor.Config{
		Paths: tree, Module: m, Log: log.WithField("module", m), Self: self, Reboot: reboot,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stopping := context.AfterFunc(asked, func() {
		defer cancel()
		forget()
		second, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
		defer stop()
		stopModule(second, log, control.Dial(tree.SupervisorSocket(m)))
	})
	defer stopping()
	return s.Serve(ctx)
}

// stopModule stops the module through its own socket, as shutdown does, and
// waits.
func stopModule(ctx context.Context, log logrus.FieldLogger, c *control.Client) {
	var role control.Value
	err := c.Call(ctx, control.PathGet, control.Get{Resource: "state.local"}, &role)
	if err == nil && role.Value == (ha.Role{}).String() {
		return
	}
	if err == nil {
		err = c.Call(ctx, control.PathCommand, control.Command{Verb: ha.VerbShutdown, Who: "SYSTEM/root"}, nil)
	}
	if err == nil {
		err = c.Call(ctx, control.PathAwait, control.Await{What: control.AwaitStop}, nil)
	}
	if err != nil {
		log.WithError(err).Error("the module is not stopped before its supervisor ends")
	}
}

// reboot restarts the host (service@automatic_reboot).
func reboot() error {
	for _, words := range [][]string{{"systemctl", "reboot"}, {"reboot"}} {
		path, err := exec.LookPath(words[0])
		if err != nil {
			continue
		}
		exit, err := proc.Run(context.Background(), proc.Spec{Path: path, Args: words[1:], Env: os.Environ()})
		if err == nil && exit.OK() {
			return nil
		}
	}
	return fmt.Errorf("restart the host: neither systemctl nor reboot did it")
}

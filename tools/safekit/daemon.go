package main

import (
	"context"
	"os"
	"time"

	systemd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/runtime/cli"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/daemon"
	"github.com/safehold/safehold/runtime/paths"
)

// serveDaemon is the node's daemon until ctx ends. Modules go on without it.
func serveDaemon(ctx context.Context) error {
	log := newLog()
	tree := paths.FromEnv()
	if err := cli.New().Setup(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d, err := daemon.New(daemon.Config{Paths: tree, Log: log, Ready: func() {
		notify(log, systemd.SdNotifyReady)
		go feedWatchdog(ctx, log, tree)
	}})
	if err != nil {
		return err
	}
	stopping := context.AfterFunc(ctx, func() { notify(log, systemd.SdNotifyStopping) })
	defer stopping()
	return d.Serve(ctx)
}

// notify tells systemd, where the daemon was started by it.
func notify(log logrus.FieldLogger, state string) {
	if _, err := systemd.SdNotify(false, state); err != nil {
		log.WithError(err).Warn("systemd was not told")
	}
}

// feedWatchdog tells systemd that the daemon lives, as long as it answers.
func feedWatchdog(ctx context.Context, log logrus.FieldLogger, tree paths.Tree) {
	period, err := systemd.SdWatchdogEnabled(false)
	if err != nil || period == 0 {
		return
	}
	t := time.NewTicker(period / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		call, cancel := context.WithTimeout(ctx, period/3)
		err := control.Dial(tree.DaemonSocket()).Call(call, control.PathPing, control.None{}, nil)
		cancel()
		if err == nil {
			notify(log, systemd.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			log.WithError(err).Error("the daemon does not answer itself")
		}
	}
}

func newLog() *logrus.Logger {
	log := logrus.New()
	log.SetOutput(os.Stderr)
	log.SetFormatter(&logrus.TextFormatter{DisableColors: true, FullTimestamp: true, TimestampFormat: time.RFC3339Nano})
	return log
}

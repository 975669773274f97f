package api

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
)

// LifelineEnv names the environment variable by which the core tells a plugin
// that its standard input is a lifeline: when it ends, the core has died.
const LifelineEnv = "SAFEHOLD_PLUGIN_LIFELINE"

// CloseGrace bounds the Close of a plugin that ends on purpose.
const CloseGrace = 10 * time.Second

// ServeHeartbeat is the main of a heartbeat plugin. It returns when the core
// stops the plugin, and ends the process when the core died or on SIGTERM. If
// impl is an io.Closer, Close is called once before either; it has CloseGrace.
func ServeHeartbeat(impl Heartbeat) { serve(KindHeartbeat, impl) }

// ServeReplicator is the main of a replication plugin; see ServeHeartbeat.
func ServeReplicator(impl Replicator) { serve(KindReplication, impl) }

// ServeChecker is the main of a checker plugin; see ServeHeartbeat.
func ServeChecker(impl Checker) { serve(KindChecker, impl) }

func serve(kind Kind, impl any) {
	// When the core dies, standard error breaks; without this, the next log line
	// would end the process by SIGPIPE before Close.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	log := hclog.New(&hclog.LoggerOptions{Level: hclog.Info, Output: os.Stderr, JSONFormat: true})
	ended := make(chan string, 3)
	go watchLifeline(ended)
	go watchSignals(ended)
	served := make(chan struct{})
	go func() {
		defer close(served)
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig:  Handshake(),
			VersionedPlugins: map[int]goplugin.PluginSet{ProtocolVersion: Served(kind, impl)},
			GRPCServer:       goplugin.DefaultGRPCServer,
			Logger:           log,
		})
	}()
	select {
	case <-served:
		closeImpl(impl, log)
	case reason := <-ended:
		log.Info("plugin ends", "reason", reason)
		closeImpl(impl, log)
		os.Exit(0)
	}
}

// watchLifeline reports the end of standard input, if it is a lifeline.
func watchLifeline(ended chan<- string) {
	if os.Getenv(LifelineEnv) == "" {
		return
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	ended <- fmt.Sprintf("the core is gone (%v)", err)
}

func watchSignals(ended chan<- string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	ended <- (<-signals).String()
}

// closeImpl closes a closer within CloseGrace.
func closeImpl(impl any, log hclog.Logger) {
	closer, ok := impl.(io.Closer)
	if !ok {
		return
	}
	done := make(chan error, 1)
	go func() { done <- closer.Close() }()
	select {
	case err := <-done:
		if err != nil {
			log.Error("close the plugin", "error", err)
		}
	case <-time.After(CloseGrace):
		log.Error("close the plugin: no end in sight, leaving", "grace", CloseGrace)
	}
}

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"
	"github.com/hashicorp/go-plugin/runner"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/proc"
)

// instance is one run of a plugin's process.
type instance struct {
	timing Timing
	client *goplugin.Client
	child  *child
	health grpc_health_v1.HealthClient
	typed  any // api.Heartbeat, api.Replicator or api.Checker
}

// start runs the plugin and shakes hands. On error nothing is left running.
func (h *Host) start(ctx context.Context, kind api.Kind, p Plugin, log *lineLog) (*instance, error) {
	if err := h.verify(p); err != nil {
		return nil, err
	}
	in := &instance{timing: h.cfg.Timing, child: &child{spec: h.spec(p, log)}}
	in.client = goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:     api.Handshake(),
		VersionedPlugins:    api.PluginSets(kind),
		AllowedProtocols:    []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:            true,
		SkipHostEnv:         true,
		StartTimeout:        h.cfg.Timing.Start,
		Logger:              hclog.NewNullLogger(),
		PluginLogBufferSize: 4 << 10,
		SyncStdout:          log.stream(),
		SyncStderr:          log.stream(),
		UnixSocketConfig:    &goplugin.UnixSocketConfig{TempDir: h.cfg.SocketDir},
		RunnerFunc: func(_ hclog.Logger, cmd *exec.Cmd, _ string) (runner.Runner, error) {
			in.child.spec.Env = append(h.environment(p), cmd.Env...)
			return in.child, nil
		},
	})
	if err := in.connect(ctx, kind); err != nil {
		in.kill()
		return nil, fmt.Errorf("start plugin %s: %w", p.Name, classify(err))
	}
	return in, nil
}

func (h *Host) spec(p Plugin, log *lineLog) proc.Spec {
	path, args := h.command(p)
	orphan := p.Orphan
	if orphan == 0 {
		orphan = syscall.SIGKILL
	}
	return proc.Spec{
		Path: path, Args: args, Dir: "/", Output: log.stream(),
		DeathSignal: orphan, Grace: h.cfg.Timing.Grace,
	}
}

// connect shakes hands, gets the typed client and waits for a first sign of life.
func (in *instance) connect(ctx context.Context, kind api.Kind) error {
	// go-plugin knows no context: the end of ctx kills the process it waits for.
	release := func() bool { return true }
	in.child.started = func(p *proc.Process) { release = context.AfterFunc(ctx, p.Kill) }
	defer func() { release() }()
	if _, err := in.client.Start(); err != nil {
		return err
	}
	protocol, err := in.client.Client()
	if err != nil {
		return err
	}
	conn, ok := protocol.(*goplugin.GRPCClient)
	if !ok {
		return fmt.Errorf("no gRPC connection: %w", ErrVersion)
	}
	in.health = grpc_health_v1.NewHealthClient(conn.Conn)
	if in.typed, err = protocol.Dispense(string(kind)); err != nil {
		return err
	}
	return in.ping(ctx, in.timing.Start)
}

func classify(err error) error {
	text := err.Error()
	for _, s := range []string{"incompatible API version", "incompatible core API version", "unsupported plugin protocol"} {
		if strings.Contains(text, s) {
			return fmt.Errorf("%w: %s; build it against the installed version", ErrVersion, text)
		}
	}
	return err
}

func (in *instance) ping(ctx context.Context, deadline time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	_, err := in.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: goplugin.GRPCServiceName})
	return err
}

// watch pings until ctx ends (nil) or the plugin is hung.
func (in *instance) watch(ctx context.Context) error {
	every := time.NewTimer(in.timing.Every)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-every.C:
		}
		began := time.Now()
		err := in.ping(ctx, in.timing.Deadline)
		// When this process itself stood still, the answer may lie unread: ask
		// again and judge only what happened while both could run.
		for err != nil && ctx.Err() == nil && time.Since(began) > in.timing.Deadline*3/2 {
			began = time.Now()
			err = in.ping(ctx, in.timing.Deadline)
		}
		if err != nil {
			return in.judge(ctx, err)
		}
		every.Reset(in.timing.Every)
	}
}

// judge tells a hung plugin from one whose end is just being noticed: ctx ends
// with the process.
func (in *instance) judge(ctx context.Context, err error) error {
	if status.Code(err) == codes.DeadlineExceeded && ctx.Err() == nil {
		return fmt.Errorf("no sign of life for %v: %w", in.timing.Deadline, api.ErrGone)
	}
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(in.timing.Deadline):
		return fmt.Errorf("connection lost: %v: %w", err, api.ErrGone)
	}
}

// stop ends the process in good order, or surely.
func (in *instance) stop() {
	in.child.process.Stop()
	in.client.Kill()
}

// kill ends the process at once, started or not.
func (in *instance) kill() {
	if in.child.process != nil {
		in.child.process.Kill()
	}
	in.client.Kill()
}

// reason says how the process ended by itself.
func (in *instance) reason() error {
	if err := in.child.Wait(context.Background()); err != nil {
		return err
	}
	return errors.New("exit status 0")
}

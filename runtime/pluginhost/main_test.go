package pluginhost

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	goplugin "github.com/hashicorp/go-plugin"
	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
)

// TestMain lets the test binary be the plugins and hosts the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "plugin" {
		plugin(os.Args[2])
		return
	}
	if len(os.Args) > 2 && os.Args[1] == "host" {
		host(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

func plugin(name string) {
	switch name {
	case "good":
		api.ServeHeartbeat(testHeartbeat{api.NewLogger("good"), os.Stderr})
	case "future":
		goplugin.Serve(&goplugin.ServeConfig{
			HandshakeConfig:  api.Handshake(),
			VersionedPlugins: map[int]goplugin.PluginSet{99: api.PluginSets(api.KindHeartbeat)[api.ProtocolVersion]},
			GRPCServer:       goplugin.DefaultGRPCServer,
		})
	case "stillborn":
		fmt.Fprintln(os.Stderr, "cannot open my library")
		os.Exit(3)
	case "silent":
		fmt.Fprintln(os.Stderr, "thinking")
		time.Sleep(time.Hour)
	}
}

// testHeartbeat does what its payloads say.
type testHeartbeat struct {
	log    *logrus.Logger
	stderr *os.File
}

func (testHeartbeat) Info(context.Context) (api.Info, error) {
	return api.Info{Kind: api.KindHeartbeat, Name: "good", Version: "1"}, nil
}

func (testHeartbeat) Configure(context.Context, api.HeartbeatConfig) error { return nil }

func (h testHeartbeat) Publish(_ context.Context, payload []byte) error {
	word, rest, _ := strings.Cut(string(payload), " ")
	switch word {
	case "flood":
		go func() {
			line := strings.Repeat("flood ", 5000) + "\n"
			for range 2000 {
				_, _ = h.stderr.WriteString(line)
				fmt.Println("short")
			}
		}()
	case "say":
		h.log.Info(rest)
	case "raw":
		fmt.Fprintln(h.stderr, rest)
	}
	return nil
}

func (testHeartbeat) Watch(ctx context.Context) (<-chan api.HeartbeatEvent, error) {
	return make(chan api.HeartbeatEvent), nil
}

// Close is seen in the log, and as a file where a test asks for one.
func (h testHeartbeat) Close() error {
	for range 100 { // nobody reads any more: must not end the process
		fmt.Fprintln(h.stderr, "closing")
	}
	if path := os.Getenv("TIDIED"); path != "" {
		return os.WriteFile(path, nil, 0o600)
	}
	fmt.Fprintln(h.stderr, "closed in good order")
	return nil
}

// host runs three plugins, tells their pids and waits to be killed.
func host(dir string) {
	self, _ := os.Executable()
	h, err := New(Config{Log: logrus.New(), SocketDir: filepath.Join(dir, "s"), Self: self})
	if err != nil {
		panic(err)
	}
	var pids [3]int
	up := make(chan struct{})
	for i := range pids {
		p := Plugin{Name: "good"}
		if i == 2 {
			p.Orphan, p.Env = syscall.SIGTERM, []string{"TIDIED=" + filepath.Join(dir, "tidied")}
		}
		var s *Supervised[api.Heartbeat]
		s = h.Heartbeat(p, Events[api.Heartbeat]{OnUp: func(context.Context, api.Heartbeat) {
			pids[i] = s.PID()
			up <- struct{}{}
		}})
		go func() { _ = s.Serve(context.Background()) }()
	}
	for range pids {
		<-up
	}
	fmt.Println(pids[0], pids[1], pids[2])
	select {}
}

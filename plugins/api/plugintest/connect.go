// Package plugintest judges plugins: for each kind a suite of what the contract
// in package plugins/api promises, run over a real gRPC connection, either to an
// implementation in the test's own process or to a plugin executable.
//
// Everything a suite makes ends with the test. The suites wait for conditions,
// never for fixed times, and touch only loopback addresses and temporary files.
package plugintest

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	goplugin "github.com/hashicorp/go-plugin"

	"github.com/safehold/safehold/plugins/api"
)

// Patience bounds every wait of the suites.
const Patience = 60 * time.Second

// Connect offers impl (a T of the given kind) over gRPC within this process and
// gives the client: what the core would see.
func Connect[T any](t testing.TB, kind api.Kind, impl T) T {
	t.Helper()
	client, _ := goplugin.TestPluginGRPCConn(t, false, api.Served(kind, impl))
	t.Cleanup(func() { _ = client.Close() }) // tells the server to stop, too
	return dispense[T](t, client, kind)
}

// Start runs a plugin executable and gives its client. It is killed at the end of the test.
func Start[T any](t testing.TB, kind api.Kind, path string, args ...string) T {
	t.Helper()
	sockets, err := os.MkdirTemp("", "pt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(sockets) })
	client := goplugin.NewClient(&goplugin.ClientConfig{
		HandshakeConfig:  api.Handshake(),
		VersionedPlugins: api.PluginSets(kind),
		AllowedProtocols: []goplugin.Protocol{goplugin.ProtocolGRPC},
		AutoMTLS:         true,
		Cmd:              exec.Command(path, args...),
		Logger:           hclog.NewNullLogger(),
		UnixSocketConfig: &goplugin.UnixSocketConfig{TempDir: sockets},
	})
	t.Cleanup(client.Kill)
	protocol, err := client.Client()
	if err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return dispense[T](t, protocol, kind)
}

func dispense[T any](t testing.TB, protocol goplugin.ClientProtocol, kind api.Kind) T {
	t.Helper()
	raw, err := protocol.Dispense(string(kind))
	if err != nil {
		t.Fatal(err)
	}
	c, ok := raw.(T)
	if !ok {
		t.Fatalf("a %s plugin gives %T", kind, raw)
	}
	return c
}

// until reads events until one pleases.
func until[E any](t *testing.T, what string, events <-chan E, pleases func(E) bool) E {
	t.Helper()
	limit := time.After(Patience)
	for {
		select {
		case e, ok := <-events:
			if !ok {
				t.Fatalf("the stream ended, waiting for %s", what)
			}
			if pleases(e) {
				return e
			}
		case <-limit:
			t.Fatalf("waited %v in vain for %s", Patience, what)
		}
	}
}

// ends waits for the end of a stream.
func ends[E any](t *testing.T, what string, events <-chan E) {
	t.Helper()
	limit := time.After(Patience)
	for {
		select {
		case _, ok := <-events:
			if !ok {
				return
			}
		case <-limit:
			t.Fatalf("%s: the stream does not end", what)
		}
	}
}

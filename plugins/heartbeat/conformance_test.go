package heartbeat

import (
	"io"
	"os"
	"testing"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/api/plugintest"
)

// TestMain lets the test binary be the plugin executable.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "plugin" {
		Serve()
		return
	}
	os.Exit(m.Run())
}

func quiet() logrus.FieldLogger {
	log := logrus.New()
	log.SetOutput(io.Discard)
	return log
}

func fresh(t *testing.T) *Heartbeat {
	h := New(quiet())
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func TestConformance(t *testing.T) {
	plugintest.Heartbeat(t, func(t *testing.T) api.Heartbeat {
		return plugintest.Connect[api.Heartbeat](t, api.KindHeartbeat, fresh(t))
	})
}

func TestConformanceOfTheExecutable(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	plugintest.Heartbeat(t, func(t *testing.T) api.Heartbeat {
		return plugintest.Start[api.Heartbeat](t, api.KindHeartbeat, self, "plugin", "heartbeat")
	})
}

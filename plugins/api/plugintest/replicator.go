package plugintest

import (
	"context"
	"errors"
	"testing"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// Replicator runs the part of the suite that needs one node and changes no
// role but idle; fresh gives a new plugin, config a configuration with
// directories of its own, each time.
func Replicator(t *testing.T, fresh func(t *testing.T) api.Replicator, config func(t *testing.T) api.ReplicationConfig) {
	t.Run("says who it is", func(t *testing.T) {
		i, err := fresh(t).Info(t.Context())
		if err != nil || i.Kind != api.KindReplication || i.Name == "" {
			t.Errorf("%+v, %v", i, err)
		}
	})
	t.Run("refuses to work before Configure", func(t *testing.T) { replicatorUnconfigured(t, fresh(t)) })
	t.Run("starts with no data", func(t *testing.T) {
		r := fresh(t)
		if err := r.Configure(t.Context(), config(t)); err != nil {
			t.Fatal(err)
		}
		f, err := r.Facts(t.Context())
		if err != nil || !f.History.Current.IsZero() || f.PeerBehind {
			t.Errorf("facts of a new tree: %+v, %v", f, err)
		}
	})
	t.Run("stays idle when told so", func(t *testing.T) {
		r := fresh(t)
		if err := r.Configure(t.Context(), config(t)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := r.Assign(t.Context(), api.Assignment{Role: api.DataIdle, Epoch: 1}); err != nil {
				t.Errorf("idle: %v", err)
			}
		}
		if err := r.Detach(t.Context(), ha.Generation{1}); err == nil {
			t.Error("an idle replicator accepted Detach")
		}
	})
	t.Run("tells the facts to a new watcher", func(t *testing.T) {
		r := fresh(t)
		if err := r.Configure(t.Context(), config(t)); err != nil {
			t.Fatal(err)
		}
		replicatorWatchers(t, r)
	})
}

func replicatorUnconfigured(t *testing.T, r api.Replicator) {
	if _, err := r.Facts(t.Context()); !errors.Is(err, api.ErrNotConfigured) {
		t.Errorf("facts: %v", err)
	}
	if err := r.Assign(t.Context(), api.Assignment{Role: api.DataPrimary, Epoch: 1}); !errors.Is(err, api.ErrNotConfigured) {
		t.Errorf("assign: %v", err)
	}
	if err := r.Detach(t.Context(), ha.Generation{1}); !errors.Is(err, api.ErrNotConfigured) {
		t.Errorf("detach: %v", err)
	}
}

func replicatorWatchers(t *testing.T, r api.Replicator) {
	facts := func(e api.DataEvent) bool { return e.Kind == api.FactsChanged }
	first, err := r.Watch(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the facts", first, facts)
	ctx, cancel := context.WithCancel(t.Context())
	second, err := r.Watch(ctx)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	ends(t, "replaced watcher", first)
	until(t, "the facts, again", second, facts)
	cancel()
	ends(t, "watcher with an ended context", second)
}

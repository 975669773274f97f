package plugintest

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
)

// CheckerCase says what a checker offers in the test's surroundings.
type CheckerCase struct {
	Up   []api.Check // valid checks that find their object in order
	Down []api.Check // valid checks that do not
	Bad  []api.Check // checks whose attributes are wrong, of a kind the plugin offers
}

// Checker runs the suite; fresh gives a new plugin each time.
func Checker(t *testing.T, fresh func(t *testing.T) api.Checker, c CheckerCase) {
	t.Run("says who it is", func(t *testing.T) {
		i, err := fresh(t).Info(t.Context())
		if err != nil || i.Kind != api.KindChecker || i.Name == "" {
			t.Errorf("%+v, %v", i, err)
		}
	})
	t.Run("names its kinds", func(t *testing.T) {
		kinds, err := fresh(t).Kinds(t.Context())
		if err != nil || len(kinds) == 0 {
			t.Fatalf("%v, %v", kinds, err)
		}
		for _, k := range slices.Concat(c.Up, c.Down, c.Bad) {
			if !slices.Contains(kinds, k.Kind) {
				t.Errorf("kind %s is not among %v", k.Kind, kinds)
			}
		}
	})
	t.Run("validates", func(t *testing.T) { validates(t, fresh(t), c) })
	t.Run("reports each check", func(t *testing.T) { reports(t, fresh(t), c) })
	t.Run("replaces the checks", func(t *testing.T) { replaces(t, fresh(t), c) })
}

func validates(t *testing.T, k api.Checker, c CheckerCase) {
	for _, check := range slices.Concat(c.Up, c.Down) {
		if err := k.Validate(t.Context(), check); err != nil {
			t.Errorf("valid %s: %v", check.Resource, err)
		}
	}
	unknown := api.Check{Kind: "no such kind", Resource: ha.Resource{Class: "x", ID: "y"}}
	for _, check := range append(slices.Clone(c.Bad), unknown) {
		if err := k.Validate(t.Context(), check); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("bad %s %v: %v", check.Kind, check.Attrs, err)
		}
	}
	if _, err := k.Run(t.Context(), []api.Check{unknown}); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("run of an unknown kind: %v", err)
	}
}

func run(ctx context.Context, t *testing.T, k api.Checker, checks []api.Check) <-chan api.Result {
	t.Helper()
	results, err := k.Run(ctx, checks)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func reports(t *testing.T, k api.Checker, c CheckerCase) {
	want := map[ha.Resource]string{}
	for _, check := range c.Up {
		want[check.Resource] = ha.ValueUp
	}
	for _, check := range c.Down {
		want[check.Resource] = ha.ValueDown
	}
	ctx, cancel := context.WithCancel(t.Context())
	results := run(ctx, t, k, slices.Concat(c.Up, c.Down))
	for len(want) > 0 {
		until(t, "the first result of each check", results, func(r api.Result) bool {
			if v, ok := want[r.Resource]; ok && v != r.Value {
				t.Errorf("%s is %s (%s), want %s", r.Resource, r.Value, r.Message, v)
			}
			if r.Identity == "" {
				t.Errorf("%s: nobody set it", r.Resource)
			}
			if r.Value == ha.ValueDown && r.Message == "" {
				t.Errorf("%s is down without a reason", r.Resource)
			}
			delete(want, r.Resource)
			return true
		})
	}
	cancel()
	ends(t, "run with an ended context", results)
}

func replaces(t *testing.T, k api.Checker, c CheckerCase) {
	if len(c.Up) == 0 {
		t.Fatal("the suite needs a check that comes up")
	}
	first := run(t.Context(), t, k, c.Up[:1])
	until(t, "a result", first, func(api.Result) bool { return true })
	second := run(t.Context(), t, k, c.Up[:1])
	ends(t, "replaced run", first)
	until(t, "the value, told to the new run", second, func(r api.Result) bool { return r.Resource == c.Up[0].Resource })
	third := run(t.Context(), t, k, nil)
	ends(t, "replaced run", second)
	_ = third
}

package sim

import (
	"flag"
	"math/rand/v2"
	"strings"
	"testing"
)

var (
	flagSteps = flag.Int("steps", 1_000_000, "steps of the automaton to make in TestRandom")
	flagFresh = flag.Bool("fresh", false, "use only fresh seeds in TestRandom, to search")
	flagSeed  = flag.Uint64("seed", 0, "only this seed in TestRandom")
)

// TestRandom plays random schedules, most of them with fixed seeds, the last
// ones with fresh seeds, which are printed. A failure is printed as the smallest
// scenario found; keep it in testdata/scenarios. To search for long:
//
//	go test ./runtime/sim -run Random -fresh -steps 50000000 -timeout 1h -v
func TestRandom(t *testing.T) {
	if *flagSeed != 0 {
		try(t, *flagSeed)
		return
	}
	done, seed := 0, uint64(1)
	for ; done < *flagSteps*19/20 && !*flagFresh; seed++ {
		done += try(t, seed)
	}
	fresh := rand.Uint64() >> 1
	t.Logf("fresh seeds from %d", fresh)
	for ; done < *flagSteps; fresh++ {
		done += try(t, fresh)
	}
}

func try(t *testing.T, seed uint64) int {
	s := Random(seed, 40, Options{})
	steps, err := s.Run(s.Options)
	if err == nil {
		return steps
	}
	small := s.Shrink(s.Options)
	_, again := small.Run(s.Options)
	w := New(s.Options)
	for _, line := range small.Lines {
		if w.Do(line) != nil {
			break
		}
	}
	if again != nil && strings.Contains(again.Error(), "settled") {
		_ = w.rest()
	}
	t.Fatalf("seed %d: %v\nsmallest scenario, %v:\n%s\nlog of n1:\n  %s\nlog of n2:\n  %s", seed, err, again, small.Text(),
		strings.Join(w.nodes[0].log, "\n  "), strings.Join(w.nodes[1].log, "\n  "))
	return 0
}

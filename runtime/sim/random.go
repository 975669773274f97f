package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/safehold/safehold/runtime/ha"
)

// errStuck says that a world did not come to rest.
var errStuck = errors.New("not settled")

// Schedule is a random scenario: options and commands.
type Schedule struct {
	Options Options
	Lines   []string
}

// Text is the schedule as a scenario.
func (s Schedule) Text() string {
	return s.Options.String() + "\n" + strings.Join(s.Lines, "\n") + "\n"
}

// weighted are the things that happen, some more often than others. %n is a node, %o the other.
var weighted = []struct {
	weight int
	line   string
}{
	{6, "start %n"}, {4, "stop %n"}, {2, "stopstart %n"}, {2, "restart %n"}, {4, "swap %n"}, {1, "swap %n nosync"}, {1, "forcestop %n"},
	{1, "prim %n"}, {1, "primforce %n"}, {1, "second %n"}, {1, "second %n fullsync"}, {1, "stopstart %n -i errd"},
	{4, "crash %n"}, {5, "power %n"}, {10, "boot %n"}, {2, "tear %n %k"}, {2, "killrfs %n"},
	{4, "freeze %n"}, {6, "thaw %n"},
	{3, "cut 0"}, {3, "cut 1"}, {2, "cut 0 %n"}, {2, "cut 1 %n"}, {3, "cut all"}, {8, "heal"},
	{2, "replay %n"}, {1, "slow %n 5s"}, {1, "slow %n 0s"}, {1, "failing %n start_prim"}, {1, "verdict %n wait p_gw"},
	{1, "hold %n p_gw"}, {2, "release %n"},
}

// recipes are short stories that single events rarely make.
var recipes = [][]string{
	{"heal", "run 60s", "cut 0", "run 33s", "power n1", "run 45s"},
	{"heal", "run 60s", "cut 0", "run 33s", "power n2", "run 45s"},
	{"heal", "run 60s", "cut 0", "run 12s", "power n1", "run 45s", "boot n1"},
	{"heal", "run 60s", "freeze n2", "run 45s", "power n1", "run 2s", "thaw n2", "run 60s"},
	{"heal", "run 60s", "freeze n1", "run 45s", "power n2", "run 2s", "thaw n1", "run 60s"},
	{"heal", "run 60s", "slow n1 6s", "freeze n1", "run 50s", "thaw n1", "run 60s", "slow n1 0s"},
	{"heal", "run 60s", "slow n2 6s", "freeze n2", "run 50s", "thaw n2", "run 60s", "slow n2 0s"},
	{"heal", "stop n1", "stop n2", "run 60s", "start n1", "prim n2", "run 40s"},
	{"heal", "stop n1", "run 20s", "stop n2", "run 60s", "prim n1", "run 300ms", "start n2", "run 40s"},
	{"heal", "run 60s", "power n1", "power n2", "run 5s", "boot n2", "start n2", "run 50s", "boot n1", "start n1", "run 60s"},
	{"stop n1", "run 2s", "power n2", "run 30s", "boot n2", "start n1", "start n2", "run 60s"},
	{"heal", "run 60s", "swap n1", "swap n2", "run 1s", "power n1", "run 40s", "boot n1", "start n1"},
	{"heal", "stop n2", "run 60s", "stop n1", "run 60s", "hold n1 p_gw", "start n1", "run 60s", "prim n2", "run 200ms", "release n1", "run 40s"},
	{"heal", "stop n2", "run 60s", "stop n1", "run 60s", "hold n1 p_gw", "start n1", "run 60s", "prim n2", "run 700ms", "release n1", "run 40s"},
	{"heal", "stop n2", "run 60s", "start n2", "run 2s", "stop n2", "stop n1", "run 60s", "prim n2", "run 40s"},
	{"heal", "run 60s", "replay n1", "replay n2", "swap n1", "run 9s", "replay n1", "replay n2", "run 9s", "replay n2"},
	{"heal", "run 60s", "killrfs n1", "run 400ms", "power n2", "run 40s", "boot n2", "start n2"},
}

// Random makes a schedule of about n events.
func Random(seed uint64, n int, o Options) Schedule {
	rng := rand.New(rand.NewPCG(seed, 11))
	o.Seed = seed
	o.Lossy = rng.UintN(4) != 0
	o.OneLink = rng.UintN(4) == 0
	o.Durable = rng.UintN(4) == 0
	o.Plain = rng.UintN(16) == 0
	o.Flow = rng.UintN(8) == 0 && !o.Plain && !o.OneLink
	o.FailoverOff = rng.UintN(10) == 0
	o.DefaultPrim = []string{"", "", "", "", "", "n1", "n2", "lastprim"}[rng.UintN(8)]
	if rng.UintN(32) == 0 && o.Mode == 0 {
		o.Mode = []ha.Mode{ha.Farm, ha.Light}[rng.UintN(2)]
	}
	o.SlowCopy = rng.UintN(6) == 0
	o.Reattach = rng.UintN(2) == 0
	s := Schedule{Options: o, Lines: []string{"prim n1", "run 40s", "start n2", "run 45s"}}
	total := 0
	for _, w := range weighted {
		total += w.weight
	}
	recipe := func() { s.Lines = append(s.Lines, recipes[rng.IntN(len(recipes))]...) }
	if rng.UintN(2) == 0 {
		recipe()
	}
	for range n {
		if rng.UintN(12) == 0 {
			s.Lines = append(s.Lines, "thaw n1", "thaw n2", "heal", "boot n1", "boot n2", "start n1", "start n2", "run 60s")
			recipe()
			continue
		}
		k := rng.IntN(total)
		for _, w := range weighted {
			if k -= w.weight; k < 0 {
				s.Lines = append(s.Lines, fill(rng, w.line), pause(rng))
				break
			}
		}
	}
	return s
}

func fill(rng *rand.Rand, line string) string {
	n := 1 + rng.IntN(2)
	return strings.NewReplacer("%n", fmt.Sprintf("n%d", n), "%k", fmt.Sprint(1+rng.IntN(12))).Replace(line)
}

func pause(rng *rand.Rand) string {
	switch rng.UintN(6) {
	case 0:
		return "run 0s"
	case 1, 2:
		return fmt.Sprintf("run %dms", rng.UintN(1500))
	case 3, 4:
		return fmt.Sprintf("run %ds", 1+rng.UintN(12))
	default:
		return fmt.Sprintf("run %ds", 20+rng.UintN(45))
	}
}

// Run plays the schedule, then lets everything heal and asks for rest. It
// returns the steps made and what went wrong.
func (s Schedule) Run(o Options) (steps int, err error) {
	w := New(o)
	defer func() { steps = w.Steps }()
	for i, line := range s.Lines {
		if err := w.Do(line); err != nil {
			return w.Steps, fmt.Errorf("line %d %q: %w", i+1, line, err)
		}
	}
	return w.Steps, w.rest()
}

// rest heals the world and asks that the nodes settle.
func (w *World) rest() error {
	for _, line := range []string{"heal", "thaw n1", "thaw n2", "slow n1 0s", "slow n2 0s", "release n1", "release n2", "boot n1", "boot n2",
		"run 60s", "start n1", "start n2", "run 400s"} {
		if err := w.Do(line); err != nil {
			return err
		}
	}
	a, b := w.nodes[0].m.Role(), w.nodes[1].m.Role()
	if !a.Stable() || !b.Stable() {
		return fmt.Errorf("%w: n1 is %v, n2 is %v", errStuck, a, b)
	}
	if a.State.Primary() && b.State.Primary() || a.State.Primary() && b.State.String() == "WAIT" || b.State.Primary() && a.State.String() == "WAIT" {
		return fmt.Errorf("%w: n1 is %v, n2 is %v", errStuck, a, b)
	}
	return nil
}

// Shrink removes what is not needed for the schedule to fail.
func (s Schedule) Shrink(o Options) Schedule {
	fails := func(lines []string) bool {
		_, err := Schedule{s.Options, lines}.Run(o)
		return err != nil
	}
	lines := s.Lines
	for size := len(lines) / 2; size > 0; {
		shrunk := false
		for at := 0; at+size <= len(lines); {
			less := append(append([]string(nil), lines[:at]...), lines[at+size:]...)
			if fails(less) {
				lines, shrunk = less, true
				continue
			}
			at += size
		}
		if !shrunk {
			size /= 2
		}
	}
	return Schedule{s.Options, lines}
}

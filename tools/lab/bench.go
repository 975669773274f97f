package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// benchTimeout is the heartbeat timeout that failover is measured with.
const benchTimeout = time.Second

// Bench measures on one lab and notes the figures in the story's table:
// failover times of the writer module, and what 25 mirror modules cost.
func Bench(cuts, modules int) func(context.Context, *Lab, *Story) error {
	return func(ctx context.Context, l *Lab, s *Story) error {
		if err := l.FormCluster(ctx); err != nil {
			return err
		}
		b := &bench{journey: journey{lab: l, story: s, one: l.Nodes[0], two: l.Nodes[1]}}
		if cuts > 0 {
			if err := s.Step(fmt.Sprintf("Measure %d power cuts and %d clean stops", cuts, cuts), func() error { return b.failovers(ctx, cuts) }); err != nil {
				return err
			}
		}
		if modules > 0 {
			return s.Step(fmt.Sprintf("Measure %d mirror modules", modules), func() error { return b.many(ctx, modules) })
		}
		return nil
	}
}

type bench struct{ journey }

// failovers measures from the power cut, and from the end of the stop script
// of a clean stop, to the other node's start_prim.
func (b *bench) failovers(ctx context.Context, cuts int) error {
	if err := b.lab.DeployWriter(ctx, demoModule, benchTimeout); err != nil {
		return err
	}
	if err := b.first(ctx); err != nil {
		return err
	}
	if err := b.join(ctx); err != nil {
		return err
	}
	var cut, stop []time.Duration
	prim, second := b.one, b.two
	for range cuts {
		took, err := b.measure(ctx, second, func() error { return prim.PowerCut(ctx) })
		if err != nil {
			return err
		}
		cut = append(cut, took)
		if err := prim.PowerOn(ctx); err != nil {
			return err
		}
		if err := prim.StartDaemon(ctx); err != nil {
			return err
		}
		if err := b.rejoin(ctx, prim, second); err != nil {
			return err
		}
		prim, second = second, prim
		begun := time.Now()
		took, err = b.measure(ctx, second, func() error { _, err := prim.Safekit(ctx, "stop", "-m", demoModule); return err })
		if err != nil {
			return err
		}
		stopped, err := scriptEnd(prim)
		if err != nil {
			return err
		}
		stop = append(stop, begun.Add(took).Sub(stopped))
		if err := prim.WaitState(ctx, demoModule, "STOP"); err != nil {
			return err
		}
		if err := b.rejoin(ctx, prim, second); err != nil {
			return err
		}
		prim, second = second, prim
	}
	b.story.Note(fmt.Sprintf("  power cut to start_prim, timeout %v", benchTimeout), "%s", spread(cut))
	b.story.Note("  end of the stop script to the peer's start_prim", "%s", spread(stop))
	for _, n := range []*Node{second, prim} { // make room for the second part
		if _, err := n.Safekit(ctx, "stop", "-m", demoModule); err != nil {
			return err
		}
		if err := n.WaitState(ctx, demoModule, "STOP"); err != nil {
			return err
		}
		if _, err := n.Safekit(ctx, "module", "uninstall", "-m", demoModule); err != nil {
			return err
		}
	}
	return nil
}

// scriptEnd is when the module's graceful stop script ended on the node.
func scriptEnd(n *Node) (time.Time, error) {
	raw, err := os.ReadFile(n.Path("/var/safekit/modules/" + demoModule + "/stopped"))
	if err != nil {
		return time.Time{}, err
	}
	ns, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	return time.Unix(0, ns), err
}

// rejoin starts the module on a node as the secondary of the other one.
func (b *bench) rejoin(ctx context.Context, n, primary *Node) error {
	if _, err := n.Safekit(ctx, "start", "-m", demoModule); err != nil {
		return err
	}
	if err := n.WaitState(ctx, demoModule, "SECOND"); err != nil {
		return err
	}
	return primary.WaitState(ctx, demoModule, "PRIM")
}

// measure does something and gives the time until the node logs start_prim.
func (b *bench) measure(ctx context.Context, n *Node, do func() error) (time.Duration, error) {
	begun := time.Now()
	if err := do(); err != nil {
		return 0, err
	}
	if err := n.WaitState(ctx, demoModule, "ALONE"); err != nil {
		return 0, err
	}
	out, err := n.Safekit(ctx, "log", "-m", demoModule, "-s", "40")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(out) {
		fields := strings.Split(line, "|")
		if len(fields) < 5 || !strings.Contains(line, "Script start_prim") {
			continue
		}
		at, err := time.ParseInLocation("2006-01-02 15:04:05.000000", strings.TrimSpace(fields[1]), time.Local)
		if err != nil {
			return 0, fmt.Errorf("log line %q: %w", line, err)
		}
		if at.After(begun) {
			return at.Sub(begun), nil
		}
	}
	return 0, fmt.Errorf("%s logs no start_prim:\n%s", n.Name, out)
}

func spread(all []time.Duration) string {
	slices.Sort(all)
	return fmt.Sprintf("median %d ms, %d to %d ms, %d runs", all[len(all)/2].Milliseconds(), all[0].Milliseconds(), all[len(all)-1].Milliseconds(), len(all))
}

// many starts modules on both nodes at once and measures what they cost idle.
func (b *bench) many(ctx context.Context, modules int) error {
	var names []string
	for i := 1; i <= modules; i++ {
		name := fmt.Sprintf("idle%d", i)
		if err := b.deployIdle(ctx, name); err != nil {
			return err
		}
		names = append(names, name)
	}
	for _, name := range names {
		if _, err := b.one.Safekit(ctx, "prim", "-m", name); err != nil {
			return err
		}
	}
	for _, name := range names {
		if _, err := b.two.Safekit(ctx, "start", "-m", name); err != nil {
			return err
		}
	}
	if err := b.all(ctx, names); err != nil {
		return err
	}
	for _, n := range []*Node{b.two, b.one} { // the secondaries first, so that the roles stay
		if _, err := n.Safekit(ctx, "shutdown"); err != nil {
			return err
		}
	}
	begun := time.Now()
	for _, n := range b.lab.Nodes {
		for _, name := range names {
			if _, err := n.Safekit(ctx, "start", "-m", name); err != nil {
				return err
			}
		}
	}
	if err := b.all(ctx, names); err != nil {
		return err
	}
	b.story.Note(fmt.Sprintf("  %d modules from start to PRIM/SECOND", modules), "%.1f s", time.Since(begun).Seconds())
	return b.cost(ctx)
}

// all waits until every module is PRIM on one node and SECOND on the other.
func (b *bench) all(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := b.one.WaitState(ctx, name, "PRIM"); err != nil {
			return err
		}
		if err := b.two.WaitState(ctx, name, "SECOND"); err != nil {
			return err
		}
	}
	return nil
}

// deployIdle makes a module without an application.
func (b *bench) deployIdle(ctx context.Context, name string) error {
	for _, n := range b.lab.Nodes {
		if _, err := n.Run(ctx, "mkdir", "-p", DataDir(name)); err != nil {
			return err
		}
	}
	return b.lab.Deploy(ctx, name, moduleSources, "module/idle", map[string]string{"DATA": DataDir(name)})
}

// idleTime is how long the processes are watched for their idle cost.
const idleTime = 30 * time.Second

// cost notes the memory and the idle processor time of each node's processes.
func (b *bench) cost(ctx context.Context) error {
	select { // what follows a start settles first
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(10 * time.Second):
	}
	before := map[*Node]time.Duration{}
	for _, n := range b.lab.Nodes {
		before[n], _, _ = usage(n)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(idleTime):
	}
	for _, n := range b.lab.Nodes {
		cpu, pss, processes := usage(n)
		b.story.Note("  "+n.Name+" idle", "%d processes, PSS %d MiB, %.1f %% of a core", processes, pss>>20,
			100*(cpu-before[n]).Seconds()/idleTime.Seconds())
	}
	return nil
}

// usage sums processor time and proportional memory over the node's product processes.
func usage(n *Node) (cpu time.Duration, pss int64, processes int) {
	dirs, _ := filepath.Glob(n.Path("/proc/[0-9]*"))
	for _, dir := range dirs {
		comm, err := os.ReadFile(filepath.Join(dir, "comm"))
		if err != nil || strings.TrimSpace(string(comm)) != "safekit" {
			continue
		}
		stat, err := os.ReadFile(filepath.Join(dir, "stat"))
		if err != nil {
			continue
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		cpu += time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
		rollup, _ := os.ReadFile(filepath.Join(dir, "smaps_rollup"))
		for line := range strings.Lines(string(rollup)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
				kb, _ := strconv.ParseInt(f[1], 10, 64)
				pss += kb << 10
			}
		}
		processes++
	}
	return cpu, pss, processes
}

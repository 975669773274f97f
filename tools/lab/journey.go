package lab

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// demoModule is the name of the demonstration's module.
const demoModule = "app"

// Demo is the product's main job from the first command to the swap, told in
// a few lines. It fails unless everything held.
func Demo(ctx context.Context, l *Lab, s *Story) error {
	d := &journey{lab: l, story: s, one: l.Nodes[0], two: l.Nodes[1]}
	steps := []struct {
		title string
		do    func(context.Context) error
	}{
		{"Name the nodes and networks, make the keys, spread them (cluster config, -G)", l.FormCluster},
		{"Install app.safe, fill in its parameters, apply on both nodes (module install, -E)", d.install},
		{"node1 has the data: start it as primary (prim)", d.first},
		{"Start node2 and resynchronise it while the application runs (start)", d.join},
		{"Power cut on node1 in the middle of writing; node2 takes over", d.failover},
		{"Power is back on node1; it catches up while node2 serves (start)", d.comeBack},
		{"Give the role back (swap)", d.swap},
		{"Stop the pair and compare both copies (stop)", d.compare},
		{"Start both again (start)", d.again},
	}
	for _, step := range steps {
		if err := s.Step(step.title, func() error { return step.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// journey is the demonstration in progress.
type journey struct {
	lab      *Lab
	story    *Story
	one, two *Node
}

func (d *journey) install(ctx context.Context) error {
	if err := d.lab.DeployWriter(ctx, demoModule, time.Second); err != nil {
		return err
	}
	_, err := d.one.Run(ctx, "dd", "if=/dev/urandom", "of="+DataDir(demoModule)+"/payload", "bs=1M", "count=96", "status=none")
	return err
}

func (d *journey) first(ctx context.Context) error {
	if _, err := d.one.Safekit(ctx, "prim", "-m", demoModule); err != nil {
		return err
	}
	if err := d.one.WaitState(ctx, demoModule, "ALONE"); err != nil {
		return err
	}
	return d.show(ctx)
}

func (d *journey) join(ctx context.Context) error {
	if _, err := d.two.Safekit(ctx, "start", "-m", demoModule); err != nil {
		return err
	}
	if err := d.progress(ctx); err != nil {
		return err
	}
	if err := d.one.WaitState(ctx, demoModule, "PRIM"); err != nil {
		return err
	}
	return d.show(ctx)
}

// progress tells how the resynchronisation of node2 goes until it is over.
func (d *journey) progress(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- d.two.WaitState(wait, demoModule, "SECOND") }()
	told := ""
	for {
		select {
		case err := <-done:
			return err
		case <-time.After(300 * time.Millisecond):
		}
		out, err := d.two.Safekit(wait, "state", "-m", demoModule)
		if err != nil {
			continue // the answer of WaitState tells why
		}
		for line := range strings.Lines(out) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "Sync") && line != told {
				told = line
				d.story.Say("  node2: %s", line)
			}
		}
	}
}

func (d *journey) failover(ctx context.Context) error {
	before, err := d.wroteMore(ctx, 20)
	if err != nil {
		return err
	}
	cut := time.Now()
	if err := d.one.PowerCut(ctx); err != nil {
		return err
	}
	acked, err := Numbers(d.lab.Acks(demoModule))
	if err != nil {
		return err
	}
	if err := d.two.WaitState(ctx, demoModule, "ALONE"); err != nil {
		return err
	}
	d.story.Note("  power cut to ALONE on node2", "%.1f s", time.Since(cut).Seconds())
	if _, err := d.wroteMore(ctx, 20); err != nil {
		return err
	}
	kept, err := d.records(ctx, d.two)
	if err != nil {
		return err
	}
	if missing := Missing(acked, kept); len(missing) > 0 {
		return fmt.Errorf("%d acknowledged records are missing on node2, the first is %d", len(missing), missing[0])
	}
	d.story.Say("  %d records had been acknowledged before the cut (%d when it was decided): every one is on node2", len(acked), before)
	d.story.Note("  acknowledged records lost", "0 of %d", len(acked))
	return d.show(ctx)
}

func (d *journey) comeBack(ctx context.Context) error {
	if err := d.one.PowerOn(ctx); err != nil {
		return err
	}
	if err := d.one.StartDaemon(ctx); err != nil {
		return err
	}
	if _, err := d.one.Safekit(ctx, "start", "-m", demoModule); err != nil {
		return err
	}
	if err := d.one.WaitState(ctx, demoModule, "SECOND"); err != nil {
		return err
	}
	if err := d.two.WaitState(ctx, demoModule, "PRIM"); err != nil {
		return err
	}
	return d.show(ctx)
}

func (d *journey) swap(ctx context.Context) error {
	if _, err := d.one.Safekit(ctx, "swap", "-m", demoModule); err != nil {
		return err
	}
	if err := d.one.WaitState(ctx, demoModule, "PRIM"); err != nil {
		return err
	}
	if err := d.two.WaitState(ctx, demoModule, "SECOND"); err != nil {
		return err
	}
	if _, err := d.wroteMore(ctx, 20); err != nil {
		return err
	}
	return d.show(ctx)
}

// compare stops the secondary while nobody writes and compares the copies.
func (d *journey) compare(ctx context.Context) error {
	for _, n := range []*Node{d.two, d.one} {
		if _, err := n.Safekit(ctx, "stop", "-m", demoModule); err != nil {
			return err
		}
		if err := n.WaitState(ctx, demoModule, "STOP"); err != nil {
			return err
		}
	}
	acked, err := Numbers(d.lab.Acks(demoModule))
	if err != nil {
		return err
	}
	kept, err := d.records(ctx, d.one)
	if err != nil {
		return err
	}
	if missing := Missing(acked, kept); len(missing) > 0 {
		return fmt.Errorf("%d acknowledged records are missing at the end, the first is %d", len(missing), missing[0])
	}
	const sum = "cd %s && sha256sum payload"
	a, err := d.one.Run(ctx, "sh", "-c", fmt.Sprintf(sum, DataDir(demoModule)))
	if err != nil {
		return err
	}
	b, err := d.two.Run(ctx, "sh", "-c", fmt.Sprintf(sum, DataDir(demoModule)))
	if err != nil {
		return err
	}
	if a != b {
		return fmt.Errorf("the copies differ: %s and %s", a, b)
	}
	d.story.Say("  all %d acknowledged records are there, both copies of the payload are equal", len(acked))
	return nil
}

func (d *journey) again(ctx context.Context) error {
	for _, n := range []*Node{d.one, d.two} {
		if _, err := n.Safekit(ctx, "start", "-m", demoModule); err != nil {
			return err
		}
	}
	if err := d.one.WaitState(ctx, demoModule, "PRIM"); err != nil {
		return err
	}
	return d.two.WaitState(ctx, demoModule, "SECOND")
}

// wroteMore waits until the client has seen n more records and gives their number.
func (d *journey) wroteMore(ctx context.Context, n int) (int, error) {
	start := -1
	deadline := time.Now().Add(time.Minute)
	for {
		acked, err := Numbers(d.lab.Acks(demoModule))
		if err != nil {
			return 0, err
		}
		if start < 0 {
			start = len(acked)
		}
		if len(acked) >= start+n {
			return len(acked), nil
		}
		if time.Now().After(deadline) {
			return 0, fmt.Errorf("the application wrote %d records in a minute, want %d", len(acked)-start, n)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// records reads the application's file as the node serves it.
func (d *journey) records(ctx context.Context, n *Node) ([]int, error) {
	out, err := n.Run(ctx, "cat", DataDir(demoModule)+"/records")
	if err != nil {
		return nil, err
	}
	return parseNumbers(out)
}

// show tells the state of the pair in one line.
func (d *journey) show(ctx context.Context) error {
	var words []string
	for _, n := range d.lab.Nodes {
		if !n.Running() {
			words = append(words, n.Name+": no power")
			continue
		}
		out, err := n.Safekit(ctx, "get", "-m", demoModule, "-r", "state.local")
		if err != nil {
			return err
		}
		words = append(words, n.Name+": "+strings.TrimSpace(out))
	}
	d.story.Say("  %s", strings.Join(words, "   "))
	return nil
}

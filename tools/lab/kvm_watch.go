package lab

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// consoleFile is where the machine's client is told things.
func (d *kvmJourney) consoleFile() string { return filepath.Join(d.lab.dir, vmName+".console") }

func (d *kvmJourney) console() (*console, error) { return readConsole(d.consoleFile()) }

// works waits until the machine has booted that many times in all and has
// acknowledged some more records.
func (d *kvmJourney) works(ctx context.Context, boots int) (*console, error) {
	const some = 20
	deadline := time.Now().Add(4 * time.Minute)
	from := -1
	for {
		c, err := d.console()
		if err != nil {
			return nil, err
		}
		if len(c.Recovered) > boots {
			return nil, fmt.Errorf("the machine booted %d times, want %d", len(c.Recovered), boots)
		}
		if len(c.Recovered) == boots && from < 0 {
			from = len(c.Acked)
		}
		if from >= 0 && len(c.Acked) >= from+some {
			return c, nil
		}
		if time.Now().After(deadline) {
			raw, _ := os.ReadFile(d.consoleFile())
			return nil, fmt.Errorf("the machine does not work: %d boots, %d records; its console ends with\n%s", len(c.Recovered), len(c.Acked), raw[max(0, len(raw)-2000):])
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// show tells the state of the pair in one line, and fails if the machine does
// not run on the primary alone.
func (d *kvmJourney) show(ctx context.Context) error {
	var words []string
	for _, n := range d.lab.Nodes {
		if !n.Running() {
			words = append(words, n.Name+": no power")
			continue
		}
		state, err := n.Safekit(ctx, "get", "-m", vmName, "-r", "state.local")
		if err != nil {
			return err
		}
		state = strings.TrimSpace(state)
		running, err := n.Run(ctx, "virsh", "list", "--name", "--state-running")
		if err != nil {
			return err
		}
		runs := slices.Contains(strings.Fields(running), vmName)
		primary := strings.Contains(state, "ALONE") || strings.Contains(state, "PRIM")
		if runs != primary {
			return fmt.Errorf("on %s the module is %s, but the machine running there is: %t", n.Name, state, runs)
		}
		if runs {
			state += ", runs " + vmName
		}
		words = append(words, n.Name+": "+state)
	}
	d.story.Say("  %s", strings.Join(words, "   "))
	return nil
}

// progress tells how the resynchronisation of node2 goes until it is over, and
// gives a time within which there always was an acknowledged record.
func (d *kvmJourney) progress(ctx context.Context) (time.Duration, error) {
	wait, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- d.two.WaitState(wait, vmName, "SECOND") }()
	told, acked := "", 0
	silence, looked := time.Duration(0), time.Now()
	quiet := looked // no record is known to have been acknowledged since
	for {
		select {
		case err := <-done:
			return silence, err
		case <-time.After(100 * time.Millisecond):
		}
		c, err := d.console()
		if err != nil {
			cancel()
			<-done
			return 0, err
		}
		now := time.Now()
		silence = max(silence, now.Sub(quiet))
		if len(c.Acked) > acked {
			acked, quiet = len(c.Acked), looked
		}
		looked = now
		if line := d.syncLine(wait); line != "" && line != told {
			told = line
			d.story.Say("  node2: %s", line)
		}
	}
}

// syncLine is what node2 says of its resynchronisation; empty when it says
// nothing, which WaitState explains if it lasts.
func (d *kvmJourney) syncLine(ctx context.Context) string {
	out, _ := d.two.Safekit(ctx, "state", "-m", vmName)
	for line := range strings.Lines(out) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, "Sync") {
			return line
		}
	}
	return ""
}

// kept fails unless the boot that followed what told knows found every record
// that had been acknowledged, and none but the one in flight besides.
func kept(told, now *console) error {
	boot := len(told.Recovered)
	if len(now.Recovered) <= boot {
		return fmt.Errorf("the machine booted %d times, want %d", len(now.Recovered), boot+1)
	}
	found, last := now.Recovered[boot], told.last()
	if found < last {
		return fmt.Errorf("record %d was acknowledged, but the machine found only %d: %d acknowledged records are lost", last, found, last-found)
	}
	if found > last+1 {
		return fmt.Errorf("the machine found %d records, though only %d and one in flight were written", found, last)
	}
	return nil
}

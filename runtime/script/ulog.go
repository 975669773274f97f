package script

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// keepLogs is how many ulog files of a module are kept (scripts.md section 4).
const keepLogs = 100

// sizeCheck is how often the log of a running script is looked at.
const sizeCheck = 500 * time.Millisecond

// runningFactor is how far over its size a log may grow while its script runs;
// what tells of the failure is usually at the end.
const runningFactor = 8

// bound keeps the ulog of a running script from filling the disk.
func (r *Runner) bound(run *Run) {
	defer close(run.sweep)
	if run.Log == "" || r.cfg.LogSize <= 0 {
		return
	}
	path := filepath.Join(r.paths.UserVar(r.module), run.Log)
	t := time.NewTicker(sizeCheck)
	defer t.Stop()
	for {
		select {
		case <-run.Process.Done():
			cut(path, runningFactor*r.cfg.LogSize)
			return
		case <-t.C:
			cut(path, runningFactor*r.cfg.LogSize)
		}
	}
}

// Tidy empties ulog files over their size and removes the oldest ones. Call it
// at module start and now and then: a daemon of a script may go on printing.
func (r *Runner) Tidy() error {
	logs, err := filepath.Glob(filepath.Join(r.paths.UserVar(r.module), "userlog_*.ulog"))
	if err != nil {
		return fmt.Errorf("tidy script logs: %w", err)
	}
	slices.Sort(logs) // their names begin with the date
	for len(logs) > keepLogs {
		if err := os.Remove(logs[0]); err != nil {
			return fmt.Errorf("tidy script logs: %w", err)
		}
		logs = logs[1:]
	}
	for _, path := range logs {
		if r.cfg.LogSize > 0 {
			cut(path, r.cfg.LogSize)
		}
	}
	return nil
}

// cut empties the file when it is longer than limit. Writers append, so they go on at its new end.
func cut(path string, limit int64) {
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() <= limit {
		return
	}
	if os.Truncate(path, 0) != nil {
		return // its next check tries again
	}
	if f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0); err == nil {
		fmt.Fprintf(f, "----------- emptied at %d bytes\n", info.Size())
		f.Close()
	}
}

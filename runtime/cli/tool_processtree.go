package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// processTree lists or kills processes, by name and command, with all their
// children: list|kill all|NAME [REGEX]. "list all AM" lists what belongs to a
// module: its name is in the command or in the environment.
func processTree(_ context.Context, a *App, args []string) (int, error) {
	if len(args) < 2 || len(args) > 3 || args[0] != "list" && args[0] != "kill" {
		return 0, errors.New("want list|kill all|NAME [REGEX]")
	}
	name, expr := args[1], ""
	if len(args) == 3 {
		expr = args[2]
	}
	if args[0] == "kill" && name == "all" && expr == "" {
		return 0, errors.New("kill all wants a regular expression on the command: everything would be killed")
	}
	all, err := processes()
	if err != nil {
		return 0, err
	}
	roots, err := matching(all, name, expr)
	if err != nil {
		return 0, err
	}
	if args[0] == "list" && name == "all" && expr != "" {
		roots = append(roots, ofModule(all, expr)...)
	}
	tree := newTree(all, roots)
	if args[0] == "list" {
		tree.walk(func(p process, depth int) {
			fmt.Fprintf(a.Out, "%d %s%s\n", p.pid, strings.Repeat("  ", depth), p.text())
		})
		return 0, nil
	}
	keep := vital(all)
	var failed []error
	tree.walk(func(p process, _ int) {
		if keep(p) {
			return
		}
		fmt.Fprintf(a.Out, "%d %s\n", p.pid, p.text())
		failed = append(failed, p.signal(syscall.SIGKILL))
	})
	return 0, errors.Join(failed...)
}

// ofModule are the processes that have the module's name in their environment.
func ofModule(all []process, m string) []process {
	var out []process
	for _, p := range all {
		env, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/environ")
		if err == nil && strings.Contains("\x00"+string(env), "\x00SAFEMODULE="+m+"\x00") {
			out = append(out, p)
		}
	}
	return out
}

// tree is a selection of processes with all their children.
type tree struct {
	all      []process
	children map[int][]int // index of the children by parent's id
	chosen   map[int]bool  // roots by id
}

func newTree(all, roots []process) tree {
	t := tree{all: all, children: map[int][]int{}, chosen: map[int]bool{}}
	for i, p := range all {
		t.children[p.parent] = append(t.children[p.parent], i)
	}
	for _, r := range roots {
		t.chosen[r.pid] = true
	}
	return t
}

// walk visits each process once, parents before children.
func (t tree) walk(visit func(p process, depth int)) {
	seen := map[int]bool{}
	var down func(p process, depth int)
	down = func(p process, depth int) {
		if seen[p.pid] {
			return
		}
		seen[p.pid] = true
		visit(p, depth)
		for _, c := range t.children[p.pid] {
			down(t.all[c], depth+1)
		}
	}
	inside := map[int]bool{} // below another chosen process
	for _, p := range t.all {
		inside[p.pid] = t.chosen[p.parent] || inside[p.parent]
	}
	for _, p := range t.all {
		if t.chosen[p.pid] && !inside[p.pid] {
			down(p, 0)
		}
	}
	for _, p := range t.all { // ids that wrapped around
		if t.chosen[p.pid] {
			down(p, 0)
		}
	}
}

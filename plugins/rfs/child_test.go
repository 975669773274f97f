package rfs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/plugins/rfs/fuse"
	"github.com/safehold/safehold/runtime/ha"
)

// child is a replicator in a process of its own, to be killed. It is an
// api.Replicator that carries its calls over the process's pipes.
type child struct {
	cmd *exec.Cmd
	in  *json.Encoder

	mu      sync.Mutex // guards everything below
	replies chan reply
	events  chan api.DataEvent
}

type call struct {
	Configure *api.ReplicationConfig `json:",omitempty"`
	Assign    *api.Assignment        `json:",omitempty"`
	Detach    *ha.Generation         `json:",omitempty"`
	Tune      *api.ReplicationTuning `json:",omitempty"`
	Facts     bool                   `json:",omitempty"`
}

type reply struct {
	Event *api.DataEvent `json:",omitempty"`
	Facts *api.DataFacts `json:",omitempty"`
	Err   string         `json:",omitempty"`
}

const childEnv = "RFS_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		childMain()
		return
	}
	os.Exit(m.Run())
}

// childMain serves calls until its standard input ends.
func childMain() {
	rep := New(testLogger("child"))
	out := json.NewEncoder(os.Stdout)
	var mu sync.Mutex
	say := func(r reply) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(r)
	}
	ctx := context.Background()
	events, _ := rep.Watch(ctx)
	go func() {
		for e := range events {
			say(reply{Event: &e})
		}
	}()
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var c call
		if in.Decode(&c) != nil {
			return
		}
		go func() {
			var r reply
			var err error
			switch {
			case c.Configure != nil:
				err = rep.Configure(ctx, *c.Configure)
			case c.Assign != nil:
				err = rep.Assign(ctx, *c.Assign)
			case c.Detach != nil:
				err = rep.Detach(ctx, *c.Detach)
			case c.Tune != nil:
				err = rep.Tune(ctx, *c.Tune)
			case c.Facts:
				var f api.DataFacts
				f, err = rep.Facts(ctx)
				r.Facts = &f
			}
			if err != nil {
				r.Err = err.Error()
			}
			say(r)
		}()
	}
}

func startChild(t testing.TB) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0]), replies: make(chan reply, 1), events: make(chan api.DataEvent, 1000)}
	c.cmd.Env = append(os.Environ(), childEnv+"=1")
	c.cmd.Stderr = os.Stderr
	stdin, err := c.cmd.StdinPipe()
	must(t, err)
	stdout, err := c.cmd.StdoutPipe()
	must(t, err)
	must(t, c.cmd.Start())
	c.in = json.NewEncoder(stdin)
	go c.listen(stdout)
	t.Cleanup(c.kill)
	return c
}

func (c *child) listen(r io.Reader) {
	defer close(c.replies)
	defer close(c.events)
	in := json.NewDecoder(r)
	for {
		var x reply
		if in.Decode(&x) != nil {
			return
		}
		if x.Event != nil {
			c.events <- *x.Event
		} else {
			c.replies <- x
		}
	}
}

// kill ends the process at once, as SIGKILL does.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// freeze and thaw stop and continue the process.
func (c *child) freeze() { _ = c.cmd.Process.Signal(syscall.SIGSTOP) }
func (c *child) thaw()   { _ = c.cmd.Process.Signal(syscall.SIGCONT) }

func (c *child) do(x call) (reply, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.in.Encode(x); err != nil {
		return reply{}, err
	}
	r, ok := <-c.replies
	if !ok {
		return r, errors.New("the child is gone")
	}
	if r.Err != "" {
		return r, errors.New(r.Err)
	}
	return r, nil
}

func (c *child) Info(context.Context) (api.Info, error) { return api.Info{}, nil }

func (c *child) Configure(_ context.Context, cfg api.ReplicationConfig) error {
	_, err := c.do(call{Configure: &cfg})
	return err
}

func (c *child) Facts(context.Context) (api.DataFacts, error) {
	r, err := c.do(call{Facts: true})
	if err != nil {
		return api.DataFacts{}, err
	}
	return *r.Facts, nil
}

func (c *child) Assign(_ context.Context, a api.Assignment) error {
	_, err := c.do(call{Assign: &a})
	return err
}

func (c *child) Detach(_ context.Context, g ha.Generation) error {
	_, err := c.do(call{Detach: &g})
	return err
}

func (c *child) Tune(_ context.Context, t api.ReplicationTuning) error {
	_, err := c.do(call{Tune: &t})
	return err
}

func (c *child) Watch(context.Context) (<-chan api.DataEvent, error) { return c.events, nil }

// apart makes a pair whose nodes live in processes of their own.
func apart(t testing.TB, tune ...func(*api.ReplicationConfig)) (*node, *node) {
	t.Helper()
	a, b := stopped(t, tune...)
	for _, n := range []*node{a, b} {
		n.child = &child{}
		n.start()
	}
	return a, b
}

// kill ends the node's process and takes its dead mount away, so that the plain
// directory can be looked at.
func (n *node) kill() {
	n.t.Helper()
	n.child.kill()
	n.bare()
}

func (n *node) bare() {
	n.t.Helper()
	if _, err := fuse.Detach(n.dir); err != nil {
		n.t.Fatal(err)
	}
}

package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/safehold/safehold/runtime/proc"
)

// child is a plugin's process, in the shape go-plugin wants (runner.Runner).
type child struct {
	spec     proc.Spec
	process  *proc.Process
	lifeline *os.File // its end tells the plugin that this process is gone
	stdout   *os.File
	started  func(*proc.Process) // called when the process exists
}

// lastWords bounds the reading of the standard output of a dead process whose
// descendants keep it open.
const lastWords = time.Second

func (c *child) Start(context.Context) error {
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("open the lifeline: %w", err)
	}
	defer stdin.Close()
	stdout, w, err := os.Pipe()
	if err != nil {
		_ = lifeline.Close()
		return fmt.Errorf("open the handshake pipe: %w", err)
	}
	defer w.Close()
	c.spec.Stdin, c.spec.Stdout = stdin, w
	if c.process, err = proc.Start(c.spec); err != nil {
		_ = lifeline.Close()
		_ = stdout.Close()
		return err
	}
	c.lifeline, c.stdout = lifeline, stdout
	c.started(c.process)
	go func() {
		<-c.process.Done()
		_ = c.lifeline.Close()
		_ = c.stdout.SetReadDeadline(time.Now().Add(lastWords))
	}()
	return nil
}

// Wait gives the end of the process as an error, nil for exit status 0.
func (c *child) Wait(context.Context) error {
	if e := c.process.Wait(); !e.OK() {
		return errors.New(e.String())
	}
	return nil
}

func (c *child) Kill(context.Context) error {
	c.process.Kill()
	return nil
}

func (c *child) Stdout() io.ReadCloser { return c.stdout }

// Stderr gives nothing: the lines go to the log by spec.Output, where they are
// bounded and parsed with care.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

func (c *child) Name() string { return c.spec.Path }

func (c *child) ID() string { return strconv.Itoa(c.process.PID()) }

func (c *child) Diagnose(context.Context) string {
	return "the executable is not a plugin, or it ended before its handshake; its own words are in the log"
}

func (c *child) PluginToHost(network, addr string) (string, string, error) { return network, addr, nil }

func (c *child) HostToPlugin(network, addr string) (string, string, error) { return network, addr, nil }

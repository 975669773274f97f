package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// writerBinary is where a node has the lab's own program.
const writerBinary = "/srv/lab"

// install copies the built product onto the node.
func (n *Node) install(ctx context.Context, product string) error {
	generic := n.Path("/opt/safekit/Application_Modules/generic")
	if err := os.MkdirAll(generic, 0o755); err != nil {
		return fmt.Errorf("install on %s: %w", n.Name, err)
	}
	if err := copyFile(filepath.Join(product, "safekit"), n.Path("/opt/safekit/safekit"), 0o755); err != nil {
		return err
	}
	if err := copyFile(filepath.Join(product, "lab"), n.Path(writerBinary), 0o755); err != nil {
		return err
	}
	packages, err := filepath.Glob(filepath.Join(product, "*.safe"))
	if err != nil {
		return fmt.Errorf("install on %s: %w", n.Name, err)
	}
	for _, p := range packages {
		if err := copyFile(p, filepath.Join(generic, filepath.Base(p)), 0o644); err != nil {
			return err
		}
	}
	return run(ctx, "nsenter", "--target", fmt.Sprint(n.Pid()), "--mount", "--root", "sync")
}

func copyFile(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("copy: %w (run make build first?)", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode)
	if err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// StartDaemon starts the node's daemon and waits until it answers.
func (n *Node) StartDaemon(ctx context.Context) error {
	log, err := os.OpenFile(n.Path("/var/safekit/daemon.out"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start daemon on %s: %w", n.Name, err)
	}
	defer log.Close()
	c := n.Command(context.WithoutCancel(ctx), "setsid", "--fork", "/opt/safekit/safekit", "daemon")
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		return fmt.Errorf("start daemon on %s: %w", n.Name, err)
	}
	wait, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		out, err := n.Safekit(wait, "level")
		if err == nil {
			return nil
		}
		if wait.Err() != nil {
			tail, _ := os.ReadFile(n.Path("/var/safekit/daemon.out"))
			return fmt.Errorf("the daemon of %s does not answer: %s\n%s", n.Name, out, tail)
		}
	}
}

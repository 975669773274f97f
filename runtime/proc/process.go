package proc

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Process is a started child. Its methods may be called from any goroutine.
type Process struct {
	spec    Spec
	pid     int
	started time.Time
	done    chan struct{} // closed when exit is set
	exit    Exit          // written once before done is closed
	stopped chan struct{} // closed by the first Stop or Kill
	stop    sync.Once

	mu       sync.Mutex
	reaped   bool // guarded by mu: the pid may belong to somebody else
	timedOut bool // guarded by mu
}

// Start starts the child. The returned Process must be waited for by nobody:
// it is reaped in any case.
func Start(spec Spec) (*Process, error) {
	if spec.Grace <= 0 {
		spec.Grace = DefaultGrace
	}
	out, err := openOutput(spec)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	p := &Process{spec: spec, done: make(chan struct{}), stopped: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(out, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	if spec.Deadline > 0 {
		go p.watchDeadline()
	}
	return p, nil
}

// Run starts the child, stops it when ctx ends, and waits for its end.
func Run(ctx context.Context, spec Spec) (Exit, error) {
	if err := ctx.Err(); err != nil {
		return Exit{}, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	p, err := Start(spec)
	if err != nil {
		return Exit{}, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.Stop()
	}
	return p.Wait(), nil
}

// PID is the child's process id, which is also its session and group.
func (p *Process) PID() int { return p.pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Wait waits for the end of the child and for the output it wrote before.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Signal sends a signal to the child's group. It fails with
// os.ErrProcessDone when the child has ended.
func (p *Process) Signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(-p.pid, s); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("signal process group %d: %w", p.pid, err)
	}
	return nil
}

// Stop asks the group to end, kills it after Grace, and returns when the child has ended.
func (p *Process) Stop() {
	p.stop.Do(func() { close(p.stopped) })
	_ = p.Signal(syscall.SIGTERM)
	_ = p.Signal(syscall.SIGCONT) // a stopped process takes its TERM
	grace := time.NewTimer(p.spec.Grace)
	defer grace.Stop()
	select {
	case <-p.done:
	case <-grace.C:
		p.Kill()
	}
}

// Kill kills the group at once and returns when the child has ended.
func (p *Process) Kill() {
	p.stop.Do(func() { close(p.stopped) })
	_ = p.Signal(syscall.SIGKILL)
	<-p.done
}

func (p *Process) watchDeadline() {
	t := time.NewTimer(p.spec.Deadline)
	defer t.Stop()
	select {
	case <-p.done:
	case <-t.C:
		p.mu.Lock()
		p.timedOut = !p.reaped
		p.mu.Unlock()
		p.Stop()
	}
}

// run starts the child and reaps it. The kernel ties a death signal to the
// starting thread, not to the process, so that thread stays until the end.
func (p *Process) run(out *output, started chan<- error) {
	if p.spec.DeathSignal != 0 {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	cmd := p.command(out)
	closeOnExec()
	err := cmd.Start()
	out.closeChildSide()
	if err != nil {
		out.abandon()
		started <- err
		return
	}
	p.pid, p.started = cmd.Process.Pid, time.Now()
	out.copy()
	started <- nil

	waitExited(p.pid)
	p.endGroup()
	p.mu.Lock()
	p.reaped = true
	_ = cmd.Wait() // the status is in ProcessState
	timedOut := p.timedOut
	p.mu.Unlock()
	out.drain()
	p.exit = exitOf(cmd.ProcessState)
	p.exit.Took, p.exit.TimedOut, p.exit.Stopped = time.Since(p.started), timedOut, p.stopping()
	close(p.done)
}

func (p *Process) command(out *output) *exec.Cmd {
	cmd := exec.Command(p.spec.Path, p.spec.Args...)
	cmd.Env, cmd.Dir, cmd.ExtraFiles = p.spec.Env, p.spec.Dir, p.spec.ExtraFiles
	if cmd.Env == nil {
		cmd.Env = []string{}
	}
	if p.spec.Stdin != nil {
		cmd.Stdin = p.spec.Stdin
	}
	if f := out.stdout(p.spec); f != nil {
		cmd.Stdout = f
	}
	if f := out.stderr(p.spec); f != nil {
		cmd.Stderr = f
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: p.spec.DeathSignal}
	return cmd
}

func (p *Process) stopping() bool {
	select {
	case <-p.stopped:
		return true
	default:
		return false
	}
}

// waitExited returns when the child is a zombie: its pid and group still belong to it.
func waitExited(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// endGroup, after a Stop, gives what is left of the group its grace and kills
// it. A child that ended by itself may leave others behind.
func (p *Process) endGroup() {
	if !p.stopping() {
		return
	}
	for end := time.Now().Add(p.spec.Grace); time.Now().Before(end) && groupAlive(p.pid); {
		time.Sleep(20 * time.Millisecond)
	}
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
}

func exitOf(state *os.ProcessState) Exit {
	if state == nil {
		return Exit{Code: -1}
	}
	if st, ok := state.Sys().(syscall.WaitStatus); ok && st.Signaled() {
		return Exit{Code: -1, Signal: st.Signal()}
	}
	return Exit{Code: state.ExitCode()}
}

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sync/errgroup"

	"github.com/safehold/safehold/runtime/cluster"
	"github.com/safehold/safehold/runtime/cluster/link"
	"github.com/safehold/safehold/runtime/cluster/membership"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/modlog"
	"github.com/safehold/safehold/runtime/module"
	"github.com/safehold/safehold/runtime/paths"
)

// Config is what a daemon needs.
type Config struct {
	Paths paths.Tree
	Log   logrus.FieldLogger
	// Ready is called once the daemon answers (sd_notify).
	Ready func()
}

// Daemon is the node's daemon. Make it with New, run it with Serve.
type Daemon struct {
	cfg         Config
	store       *module.Store
	supervisors *supervisors
	members     *membership.Service
	cluster     *cluster.Manager
	dialer      *link.Dialer
	commands    *modlog.Commands
	changed     chan struct{} // modules or cluster changed: look again
}

// passwordFile keeps what proves the private command user's password.
const passwordFile = "rcmdadmin.key"

// New opens what the daemon keeps on disk.
func New(cfg Config) (*Daemon, error) {
	for _, dir := range []string{cfg.Paths.Var, filepath.Join(cfg.Paths.Var, "modules")} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return nil, fmt.Errorf("start the daemon: %w", err)
		}
	}
	d := &Daemon{cfg: cfg, changed: make(chan struct{}, 1)}
	d.store = module.Open(cfg.Paths, d.state, time.Now)
	d.supervisors = newSupervisors(cfg, d.store)
	d.members = membership.New(cfg.Log)
	var err error
	if d.cluster, err = cluster.Open(cluster.Options{
		Dir: cfg.Paths.Cluster(), Membership: d.members, Log: cfg.Log,
		Changed: func(*cluster.Active) { d.poke() },
	}); err != nil {
		return nil, err
	}
	d.dialer = &link.Dialer{Identity: d.cluster.Identity, Password: d.password}
	d.commands, err = modlog.OpenCommands(cfg.Paths.CommandLog(), modlog.Options{})
	return d, err
}

func (d *Daemon) passwordPath() string { return filepath.Join(d.cfg.Paths.Var, passwordFile) }

func (d *Daemon) password() (link.PasswordKey, bool) {
	k, ok, err := link.LoadPassword(d.passwordPath())
	if err != nil {
		d.cfg.Log.WithError(err).Error("the password of rcmdadmin cannot be read: set it again with webservercfg -passwd")
		return k, false
	}
	return k, ok
}

// Serve runs the daemon until ctx ends. Supervisors and their modules stay.
func (d *Daemon) Serve(ctx context.Context) error {
	local, err := control.Listen(d.cfg.Paths.DaemonSocket())
	if err != nil {
		return err
	}
	nodes, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(link.Port)))
	if err != nil {
		return errors.Join(fmt.Errorf("listen for the other nodes: %w", err), local.Close())
	}
	web, err := net.Listen("tcp", net.JoinHostPort("", strconv.Itoa(module.WebPort)))
	if err != nil {
		return errors.Join(fmt.Errorf("listen for probes: %w", err), local.Close(), nodes.Close())
	}
	server := &link.Server{
		Identity: d.cluster.Identity, Password: d.password,
		Cluster: d.cluster.Handler(), Commands: d.remote(), Log: d.cfg.Log,
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return control.Serve(ctx, local, d.handlers()) })
	group.Go(func() error { return server.Serve(ctx, nodes) })
	group.Go(func() error { return serveHTTP(ctx, web, d.probes()) })
	group.Go(func() error { return d.members.Serve(ctx) })
	group.Go(func() error { return d.supervisors.serve(ctx) })
	group.Go(func() error { return d.follow(ctx) })
	group.Go(func() error { return d.boot(ctx) })
	if d.cfg.Ready != nil {
		d.cfg.Ready()
	}
	err = group.Wait()
	return errors.Join(err, d.commands.Close())
}

// state asks the module's supervisor for its role.
func (d *Daemon) state(name ha.ModuleName) (ha.Role, bool) { return ModuleState(d.cfg.Paths, name) }

// ModuleState asks a module's supervisor for its role; running is false when
// no supervisor answers.
func ModuleState(t paths.Tree, name ha.ModuleName) (role ha.Role, running bool) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var v control.Value
	err := control.Dial(t.SupervisorSocket(name)).Call(ctx, control.PathGet, control.Get{Resource: "state.local"}, &v)
	if errors.Is(err, control.ErrDown) {
		return ha.Role{}, false
	}
	if role, perr := ha.ParseRole(v.Value); err == nil && perr == nil {
		return role, true
	}
	// It is there and does not say: treat it as busy, never as stopped.
	return ha.Role{State: ha.Wait, Status: ha.Transient}, true
}

func (d *Daemon) poke() {
	select {
	case d.changed <- struct{}{}:
	default:
	}
}

// follow acts on changes of modules and cluster: supervisors, membership and
// the networks of the modules follow.
func (d *Daemon) follow(ctx context.Context) error {
	for {
		d.refreshModules(ctx)
		d.supervisors.look(ctx)
		d.announceModules()
		select {
		case <-ctx.Done():
			return nil
		case <-d.changed:
		}
	}
}

// refreshModules resolves the networks of every configured module again.
func (d *Daemon) refreshModules(ctx context.Context) {
	a := d.cluster.Active()
	if a == nil {
		return
	}
	reg, err := d.store.Registry()
	if err != nil {
		d.cfg.Log.WithError(err).Error("the installed modules cannot be read")
		return
	}
	for _, name := range reg.Names() {
		if reg.Modules[name].Mode == "" {
			continue
		}
		log := d.cfg.Log.WithField("module", name)
		changed, err := d.store.Refresh(name, &module.Cluster{Config: a.Config, Local: a.Node})
		switch {
		case errors.Is(err, module.ErrNotConfigured):
		case err != nil:
			log.WithError(err).Error("the module no longer fits the cluster configuration: configure it again")
		case changed:
			log.Info("networks of the module changed with the cluster configuration")
			err := control.Dial(d.cfg.Paths.SupervisorSocket(name)).Call(ctx, control.PathReload, control.None{}, nil)
			if err != nil && !errors.Is(err, control.ErrDown) {
				log.WithError(err).Error("the module does not take over its networks")
			}
		}
	}
}

// announceModules tells the other nodes what is configured here.
func (d *Daemon) announceModules() {
	reg, err := d.store.Registry()
	if err != nil {
		d.cfg.Log.WithError(err).Error("the installed modules cannot be read")
		return
	}
	var infos []membership.ModuleInfo
	for _, name := range reg.Names() {
		a, err := module.LoadActive(d.cfg.Paths, name)
		if err != nil {
			continue // not configured, or said elsewhere
		}
		infos = append(infos, membership.ModuleInfo{Name: name, Mode: a.Config.Service.Mode, ID: a.ID, Signature: a.Signature, Date: a.Date})
	}
	d.members.UpdateModules(infos)
}

package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/safehold/safehold/runtime/cluster"
	"github.com/safehold/safehold/runtime/cluster/clusterxml"
	"github.com/safehold/safehold/runtime/cluster/link"
	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/version"

	"os"
)

// handlers answer the node's own commands.
func (d *Daemon) handlers() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(control.PathPing, control.Handle(d.ping))
	mux.Handle(control.PathChanged, control.Handle(d.modulesChanged))
	mux.Handle(control.PathEnsure, control.Handle(d.ensure))
	mux.Handle(control.PathRemote, control.Handle(d.distribute))
	mux.Handle(control.PathPeerView, control.Handle(d.peerView))
	mux.Handle(control.PathCluster, control.Handle(d.clusterConfig))
	mux.Handle(control.PathConfInfo, control.Handle(d.confInfo))
	mux.Handle(control.PathNodes, control.Handle(d.confInfo))
	mux.Handle(control.PathClusterX, control.Handle(d.clusterOperation))
	mux.Handle(control.PathPassword, control.Handle(d.setPassword))
	return mux
}

func (d *Daemon) ping(context.Context, control.None) (control.Pong, error) {
	p := control.Pong{Version: version.Version, PID: os.Getpid()}
	if a := d.cluster.Active(); a != nil {
		p.Node = a.Node
	}
	return p, nil
}

// modulesChanged returns when supervisors and membership have followed.
func (d *Daemon) modulesChanged(ctx context.Context, _ control.None) (control.None, error) {
	d.supervisors.look(ctx)
	d.announceModules()
	return control.None{}, nil
}

func (d *Daemon) ensure(ctx context.Context, e control.Ensure) (control.None, error) {
	return control.None{}, d.supervisors.ensure(ctx, e.Module)
}

func (d *Daemon) clusterConfig(ctx context.Context, c control.ClusterConfig) (control.ClusterApplied, error) {
	var in cluster.Input
	if c.File != "" {
		var err error
		if in, err = cluster.ReadInput(c.File); err != nil {
			return control.ClusterApplied{}, err
		}
	}
	if c.Check {
		warnings, err := d.cluster.Confcheck(ctx, in)
		return told(warnings), err
	}
	lock := cluster.NoLock
	switch {
	case c.Lock && c.Unlock:
		return control.ClusterApplied{}, errors.New("lock and unlock exclude each other")
	case c.Lock:
		lock = cluster.SetLock
	case c.Unlock:
		lock = cluster.Unlock
	}
	warnings, err := d.cluster.Config(ctx, in, lock)
	return told(warnings), err
}

func told(warnings []clusterxml.Warning) control.ClusterApplied {
	var a control.ClusterApplied
	for _, w := range warnings {
		a.Warnings = append(a.Warnings, w.String())
	}
	return a
}

func (d *Daemon) clusterOperation(_ context.Context, o control.ClusterOperation) (control.ClusterApplied, error) {
	var none control.ClusterApplied
	switch o.Op {
	case "create":
		return none, d.cluster.Create(o.Addrs)
	case "deconfig":
		return none, d.cluster.Deconfig(d.runningModules)
	case "genkey":
		return none, d.cluster.GenKey()
	case "delkey":
		return none, d.cluster.DelKey()
	default:
		return none, fmt.Errorf("unknown operation %q", o.Op)
	}
}

// runningModules are those not in STOP.
func (d *Daemon) runningModules() []ha.ModuleName {
	reg, err := d.store.Registry()
	if err != nil {
		d.cfg.Log.WithError(err).Error("the installed modules cannot be read")
		return []ha.ModuleName{"?"}
	}
	var out []ha.ModuleName
	for _, name := range reg.Names() {
		if role, running := d.state(name); running && role.State != ha.Stop {
			out = append(out, name)
		}
	}
	return out
}

func (d *Daemon) confInfo(context.Context, control.None) (control.ConfInfo, error) {
	rows, silent, err := d.cluster.Confinfo()
	if err != nil {
		return control.ConfInfo{}, err
	}
	info := control.ConfInfo{Silent: silent}
	for _, r := range rows {
		m := control.Member{Node: r.Node, Local: r.Local, Reachable: r.Reachable, Signature: r.Signature, Date: r.Date, Locked: r.Locked}
		for _, mod := range r.Modules {
			m.Modules = append(m.Modules, control.MemberModule{Name: mod.Name, Mode: mod.Mode, ID: mod.ID, Signature: mod.Signature, Date: mod.Date})
		}
		info.Members = append(info.Members, m)
	}
	return info, nil
}

// minPassword is the shortest password accepted, characters.
const minPassword = 8

func (d *Daemon) setPassword(_ context.Context, p control.Password) (control.None, error) {
	if len(p.Password) < minPassword {
		return control.None{}, fmt.Errorf("the password is shorter than %d characters", minPassword)
	}
	return control.None{}, link.SavePassword(d.passwordPath(), p.Password)
}

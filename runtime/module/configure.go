package module

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/safehold/safehold/runtime/cluster/identity"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/safefmt"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// Output is where configuration scripts print and findings are told, as they come.
type Output struct {
	Text io.Writer
}

// configFile is the edited configuration inside a module's folder.
const configFile = "conf/userconfig.xml"

// Judged is a configuration that passed every check, not yet in force.
type Judged struct {
	Config   *userconfig.Config
	Warnings []userconfig.Warning
}

// Judge checks the module's edited configuration and changes nothing.
func (s *Store) Judge(name ha.ModuleName, c *Cluster) (*Judged, error) {
	if _, err := s.Record(name); err != nil {
		return nil, err
	}
	return s.judge(name, s.paths.Edited(name), c)
}

func (s *Store) judge(name ha.ModuleName, dir string, c *Cluster) (*Judged, error) {
	src, err := os.ReadFile(filepath.Join(dir, configFile))
	if err != nil {
		return nil, fmt.Errorf("module %s: %w", name, err)
	}
	env, err := s.environment(name, filepath.Join(dir, "bin"), c)
	if err != nil {
		return nil, err
	}
	cfg, warnings, err := userconfig.Parse("userconfig.xml", src, env)
	if err != nil {
		return nil, err
	}
	if c == nil && cfg.Service.Mode != ha.Light {
		return nil, ErrNoCluster
	}
	return &Judged{Config: cfg, Warnings: warnings}, nil
}

// Confcheck judges the edited configuration and runs the module's confcheck script.
func (s *Store) Confcheck(ctx context.Context, name ha.ModuleName, c *Cluster, out Output) error {
	j, err := s.Judge(name, c)
	if err != nil {
		return err
	}
	j.tell(out)
	return s.configScript(ctx, name, "confcheck", filepath.Join(s.paths.Edited(name), "bin"), s.paths.UserConf(name), out)
}

func (j *Judged) tell(out Output) {
	for _, w := range j.Warnings {
		fmt.Fprintf(out.Text, "Warning: %v\n", w)
	}
	for _, line := range userconfig.NotYetActedOn(j.Config) {
		fmt.Fprintf(out.Text, "Note: %s\n", line)
	}
}

// Configure puts the module's edited configuration in force: scripts and
// files are staged beside the active ones, the module's config and postconfig
// scripts run, and the whole is exchanged in one step. A failure anywhere
// leaves the active configuration as it was (safe-package.md section 6).
func (s *Store) Configure(ctx context.Context, name ha.ModuleName, c *Cluster, out Output) error {
	return s.locked(func() error {
		reg, err := s.load()
		if err != nil {
			return err
		}
		rec, ok := reg.Modules[name]
		if !ok {
			return fmt.Errorf("module %s is not installed: see safekit module list", name)
		}
		stage, err := s.stage(name)
		if err != nil {
			return err
		}
		defer os.RemoveAll(stage)
		a, err := s.fill(ctx, name, rec, reg, stage, c, out)
		if err != nil {
			return err
		}
		if err := s.exchange(stage, s.paths.Active(name)); err != nil {
			return err
		}
		rec.Mode = a.Config.Service.Mode.String()
		reg.Modules[name] = rec
		if err := s.save(reg); err != nil {
			return err
		}
		return s.archive(ctx, name)
	})
}

// stage makes the folder that will become the active configuration.
func (s *Store) stage(name ha.ModuleName) (string, error) {
	stage := filepath.Join(filepath.Dir(s.paths.Active(name)), ".stage-"+string(name))
	if err := os.RemoveAll(stage); err != nil {
		return "", fmt.Errorf("stage the configuration: %w", err)
	}
	for _, dir := range []string{"bin", "conf"} {
		if err := copyDir(filepath.Join(s.paths.Edited(name), dir), filepath.Join(stage, dir)); err != nil {
			return "", fmt.Errorf("stage the configuration: %w", err)
		}
	}
	if err := os.MkdirAll(s.paths.UserVar(name), 0o700); err != nil {
		return "", fmt.Errorf("stage the configuration: %w", err)
	}
	return stage, nil
}

// fill runs the scripts and writes the generated files into the stage.
func (s *Store) fill(ctx context.Context, name ha.ModuleName, rec Record, reg Registry, stage string, c *Cluster, out Output) (*Active, error) {
	bin, conf := filepath.Join(stage, "bin"), filepath.Join(stage, "conf")
	if err := s.configScript(ctx, name, "config", bin, conf, out); err != nil {
		return nil, err
	}
	j, err := s.judge(name, stage, c)
	if err != nil {
		return nil, err
	}
	j.tell(out)
	if j.Config.Service.Mode == ha.Mirror && reg.mirrors(name) >= MaxMirrors {
		return nil, fmt.Errorf("module %s: %d mirror modules are configured, the most a cluster runs: deconfigure one first", name, MaxMirrors)
	}
	if err := s.permit(name, j.Config); err != nil {
		return nil, err
	}
	a, err := s.activate(name, rec, j.Config, c)
	if err != nil {
		return nil, err
	}
	if err := s.portsFree(a, reg); err != nil {
		return nil, err
	}
	if a.Plugins, err = s.checksums(ctx, name, j.Config, bin, out); err != nil {
		return nil, err
	}
	if err := a.write(conf); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(conf, "safeconf.xml"), userconfig.WriteSafeconf(j.Config), 0o640); err != nil {
		return nil, fmt.Errorf("write safeconf.xml: %w", err)
	}
	if err := s.wrappers(a, bin); err != nil {
		return nil, err
	}
	return a, s.configScript(ctx, name, "postconfig", bin, conf, out)
}

// permit refuses a configuration that the module's state forbids
// (userconfig-xml.md section 15).
func (s *Store) permit(name ha.ModuleName, next *userconfig.Config) error {
	role, running := s.state(name)
	if !running || role.State == ha.Stop {
		return nil
	}
	old, err := LoadActive(s.paths, name)
	if err != nil {
		return err
	}
	return userconfig.CheckDynamic("userconfig.xml", next.Service.Mode, role, userconfig.Diff(old.Config, next))
}

// activate resolves everything the supervisor needs into plain values.
func (s *Store) activate(name ha.ModuleName, rec Record, cfg *userconfig.Config, c *Cluster) (*Active, error) {
	digest, err := safefmt.Digest(s.paths.Edited(name))
	if err != nil {
		return nil, err
	}
	a := &Active{Module: name, ID: rec.ID, Signature: digest, Date: s.now(), Config: cfg}
	if _, a.ModuleKey, err = identity.LoadModuleKey(filepath.Join(s.paths.Edited(name), "conf")); err != nil {
		return nil, err
	}
	if c == nil {
		return a, nil
	}
	a.Local, a.Nodes = c.Local, c.Config.Nodes()
	if cfg.Service.Mode != ha.Mirror {
		return a, nil
	}
	if a.Peer, a.First, err = c.pair(); err != nil {
		return nil, err
	}
	if err := a.resolveLinks(c); err != nil {
		return nil, err
	}
	return a, nil
}

func (a *Active) resolveLinks(c *Cluster) error {
	heart := a.Config.Heart
	port := heart.Port
	if port == 0 {
		port = HeartPort(a.ID)
	}
	for _, h := range heart.Heartbeats {
		l := Link{Ident: h.Ident, Pulse: h.Pulse, Timeout: h.Timeout}
		var err error
		if h.Lan == "" {
			l.Local, l.Peer, err = c.servers(h.Servers, port)
		} else {
			l.Local, l.Peer, err = c.link(h.Lan, a.Peer, port)
		}
		if err != nil {
			return fmt.Errorf("heartbeat %s: %w", h.Ident, err)
		}
		a.Links = append(a.Links, l)
	}
	if a.Config.RFS == nil {
		return nil
	}
	var err error
	switch flow := a.Config.RFS.Flow; {
	case flow != nil && flow.Lan != "":
		a.Listen, a.PeerAddr, err = c.link(flow.Lan, a.Peer, ReplicationPort(a.ID))
	case flow != nil:
		a.Listen, a.PeerAddr, err = c.servers(flow.Servers, ReplicationPort(a.ID))
	default:
		a.Listen, a.PeerAddr = a.flowLink()
	}
	return err
}

// Flow is the ident of the heartbeat whose network carries replication.
func (a *Active) Flow() string {
	for _, l := range a.Links {
		if l.Ident == userconfig.FlowIdent {
			return l.Ident
		}
	}
	return ""
}

func (a *Active) flowLink() (listen, peer netip.AddrPort) {
	l := a.Links[0]
	for _, other := range a.Links {
		if other.Ident == userconfig.FlowIdent {
			l = other
		}
	}
	port := uint16(ReplicationPort(a.ID))
	return netip.AddrPortFrom(l.Local.Addr(), port), netip.AddrPortFrom(l.Peer.Addr(), port)
}

// portsFree refuses ports that another module of the node has.
func (s *Store) portsFree(a *Active, reg Registry) error {
	mine := a.ports()
	for _, other := range reg.Names() {
		if other == a.Module {
			continue
		}
		b, err := LoadActive(s.paths, other)
		if errors.Is(err, ErrNotConfigured) {
			continue
		}
		if err != nil {
			return err
		}
		for port := range b.ports() {
			if mine[port] {
				return fmt.Errorf("module %s: port %s is used by module %s: change <heart port> or the module id", a.Module, port, other)
			}
		}
	}
	return nil
}

// ports of the module, as "udp 8888".
func (a *Active) ports() map[string]bool {
	out := map[string]bool{}
	for _, l := range a.Links {
		out["udp "+net.JoinHostPort(l.Local.Addr().String(), fmt.Sprint(l.Local.Port()))] = true
	}
	if a.Listen.IsValid() {
		out["tcp "+a.Listen.String()] = true
	}
	return out
}

// exchange puts the stage in the place of the active folder in one step.
func (s *Store) exchange(stage, active string) error {
	if _, err := os.Lstat(active); errors.Is(err, os.ErrNotExist) {
		return os.Rename(stage, active)
	}
	if err := unix.Renameat2(unix.AT_FDCWD, stage, unix.AT_FDCWD, active, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("put the configuration in force: %w", err)
	}
	return nil
}

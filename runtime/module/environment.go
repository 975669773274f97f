package module

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/safehold/safehold/runtime/failover"
	"github.com/safehold/safehold/runtime/failover/rule"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// environment is what the configuration is judged against.
func (s *Store) environment(name ha.ModuleName, bin string, c *Cluster) (userconfig.Env, error) {
	addrs, err := localAddrs()
	if err != nil {
		return userconfig.Env{}, err
	}
	others, err := s.others(name)
	if err != nil {
		return userconfig.Env{}, err
	}
	env := userconfig.Env{
		Module:     string(name),
		Getenv:     os.LookupEnv,
		Stat:       stat,
		Executable: func(file string) error { return executable(bin, file) },
		LocalAddrs: addrs,
		Others:     others,
		Rules:      judgeRules,
		Cluster:    &userconfig.Cluster{},
	}
	if c != nil {
		env.Node = string(c.Local)
		env.Cluster = c.view()
		for _, n := range c.Config.Nodes() {
			env.ModuleNodes = append(env.ModuleNodes, string(n))
		}
	}
	return env, nil
}

// others are the other configured modules of the node.
func (s *Store) others(name ha.ModuleName) ([]userconfig.Other, error) {
	reg, err := s.load()
	if err != nil {
		return nil, err
	}
	var out []userconfig.Other
	for _, other := range reg.Names() {
		if other == name {
			continue
		}
		a, err := LoadActive(s.paths, other)
		if errors.Is(err, ErrNotConfigured) {
			continue
		}
		if err != nil {
			return nil, err
		}
		o := userconfig.Other{Module: string(other)}
		if a.Config.RFS != nil {
			for _, r := range a.Config.RFS.Replicated {
				o.Dirs = append(o.Dirs, r.Dir)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

func stat(path string) (userconfig.PathInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return userconfig.PathInfo{}, err
	}
	return userconfig.PathInfo{Dir: info.IsDir()}, nil
}

func executable(bin, file string) error {
	if !filepath.IsAbs(file) {
		if !filepath.IsLocal(file) {
			return fmt.Errorf("%s leads out of the module's bin folder", file)
		}
		file = filepath.Join(bin, file)
	}
	info, err := os.Stat(file)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
		return fmt.Errorf("%s is not an executable file", file)
	default:
		return nil
	}
}

func localAddrs() ([]userconfig.LocalAddr, error) {
	devices, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list network interfaces: %w", err)
	}
	var out []userconfig.LocalAddr
	for _, d := range devices {
		addrs, err := d.Addrs()
		if err != nil {
			return nil, fmt.Errorf("list addresses of %s: %w", d.Name, err)
		}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err != nil {
				continue // not an IP address
			}
			out = append(out, userconfig.LocalAddr{Device: d.Name, Prefix: p})
		}
	}
	return out, nil
}

// judgeRules checks the texts of <failover> with the rule language.
func judgeRules(cfg *userconfig.Config) []userconfig.RuleProblem {
	var out []userconfig.RuleProblem
	_, warnings, err := failover.NewSet(RuleConfig(cfg))
	for _, w := range warnings {
		out = append(out, userconfig.RuleProblem{Line: w.Line, Text: w.Msg, Warning: true})
	}
	var many rule.Errors
	switch {
	case errors.As(err, &many):
		for _, e := range many {
			out = append(out, userconfig.RuleProblem{Line: e.Pos.Line, Text: e.Error()})
		}
	case err != nil:
		out = append(out, userconfig.RuleProblem{Text: err.Error()})
	}
	return out
}

// RuleConfig is the failover machine's part of the configuration.
func RuleConfig(cfg *userconfig.Config) failover.Config {
	f := failover.Config{
		Mode: cfg.Service.Mode, Extends: cfg.Failover.Extends,
		Period: cfg.Failover.Period, HandleTime: cfg.Failover.HandleTime,
		Checkers: ruleCheckers(cfg.Checks),
	}
	if cfg.RFS != nil {
		f.HasRFS, f.SyncDelta, f.SyncAt = true, cfg.RFS.SyncDelta, cfg.RFS.SyncAt != ""
	}
	if cfg.Heart != nil {
		for _, h := range cfg.Heart.Heartbeats {
			f.FlowHeartbeat = f.FlowHeartbeat || h.Ident == userconfig.FlowIdent
			f.Declared = append(f.Declared, ha.Resource{Class: "heartbeat", ID: h.Ident})
		}
	}
	if cfg.Errd != nil {
		for _, p := range cfg.Errd.Procs {
			f.Declared = append(f.Declared, ha.Resource{Class: "proc", ID: p.Name})
		}
	}
	for _, section := range cfg.Failover.Sections {
		f.Sections = append(f.Sections, failover.Section{Text: section.Text, Line: section.Line})
	}
	return f
}

// ruleCheckers are the checks that run in this release. The others are kept in
// the configuration and announced as not yet acted on; rules must not wait for them.
func ruleCheckers(c userconfig.Checks) []failover.Checker {
	var out []failover.Checker
	at := map[int]failover.Checker{}
	last := 0
	add := func(position int, one failover.Checker) {
		at[position] = one
		last = max(last, position)
	}
	for _, k := range c.TCP {
		add(k.Position, failover.Checker{Class: "tcp", Ident: k.Ident, When: string(k.When), Action: action(k.Action, k.Implied)})
	}
	for _, k := range c.Ping {
		add(k.Position, failover.Checker{Class: "ping", Ident: k.Ident, When: string(k.When), Action: action(k.Action, k.Implied)})
	}
	for _, k := range c.Custom {
		add(k.Position, failover.Checker{Class: "custom", Ident: k.Ident, When: string(k.When), Action: string(k.Action)})
	}
	for position := 1; position <= last; position++ {
		if one, ok := at[position]; ok {
			out = append(out, one)
		}
	}
	return out
}

// action is empty where the file gave none: the rule then counts as an old default.
func action(a userconfig.Action, implied bool) string {
	if implied {
		return ""
	}
	return string(a)
}

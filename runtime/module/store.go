package module

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/paths"
	"github.com/safehold/safehold/runtime/store"
)

// State tells the role of a module on this node; the supervisor knows it.
// running is false when no supervisor answers, which means the module is stopped.
type State func(ha.ModuleName) (role ha.Role, running bool)

// Store is the node's modules on disk. Several processes may use it at once.
type Store struct {
	paths paths.Tree
	state State
	now   func() time.Time
}

// Open prepares the store; state may be asked at any time.
func Open(t paths.Tree, state State, now func() time.Time) *Store {
	return &Store{paths: t, state: state, now: now}
}

func (s *Store) registry() *store.File[Registry] {
	return store.Open[Registry](filepath.Join(s.paths.Var, "modules", "registry.json"))
}

// Registry reads what is installed.
func (s *Store) Registry() (Registry, error) { return s.load() }

func (s *Store) load() (Registry, error) {
	reg, err := s.registry().Load()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return Registry{}, err
	}
	if reg.Modules == nil {
		reg.Modules = map[ha.ModuleName]Record{}
	}
	return reg, nil
}

func (s *Store) save(reg Registry) error {
	if err := os.MkdirAll(filepath.Join(s.paths.Var, "modules"), 0o711); err != nil {
		return fmt.Errorf("save the registry of modules: %w", err)
	}
	return s.registry().Save(reg)
}

// Record finds one installed module.
func (s *Store) Record(name ha.ModuleName) (Record, error) {
	reg, err := s.load()
	if err != nil {
		return Record{}, err
	}
	rec, ok := reg.Modules[name]
	if !ok {
		return Record{}, fmt.Errorf("module %s is not installed: see safekit module list", name)
	}
	return rec, nil
}

// SetBoot remembers the answer to `safekit boot`: "on" or "off".
func (s *Store) SetBoot(name ha.ModuleName, value string) error {
	return s.locked(func() error {
		reg, err := s.load()
		if err != nil {
			return err
		}
		rec, ok := reg.Modules[name]
		if !ok {
			return fmt.Errorf("module %s is not installed: see safekit module list", name)
		}
		rec.Boot = value
		reg.Modules[name] = rec
		return s.save(reg)
	})
}

// locked runs f while no other command changes modules.
func (s *Store) locked(f func() error) error {
	if err := os.MkdirAll(s.paths.Run(), 0o711); err != nil {
		return fmt.Errorf("lock modules: %w", err)
	}
	lock := flock.New(filepath.Join(s.paths.Run(), "modules.lock"), flock.SetPermissions(0o600))
	if err := lock.Lock(); err != nil {
		return fmt.Errorf("lock modules: %w", err)
	}
	defer lock.Close()
	return f()
}

// mustStop refuses what a running module forbids.
func (s *Store) mustStop(name ha.ModuleName) error {
	if role, running := s.state(name); running && role.State != ha.Stop {
		return fmt.Errorf("module %s is %v: stop it first (safekit stop -m %s)", name, role, name)
	}
	return nil
}

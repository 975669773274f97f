package supervisor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/safehold/safehold/runtime/automaton"
	"github.com/safehold/safehold/runtime/store"
)

// durable is what the module remembers through a crash, besides its data.
type durable struct {
	Facts automaton.Facts `json:"facts"`
	// Settings are the maintenance switches that were turned: errd, checker, failover.
	Settings map[string]bool `json:"settings,omitempty"`
	// Dirs are the replicated directories the facts speak of.
	Dirs []string `json:"dirs,omitempty"`
	// Signature of the configuration the settings were turned under.
	Signature string `json:"signature,omitempty"`
	// Started: the module was not in STOP; boot="auto" starts it again, and a
	// supervisor that finds it so was killed.
	Started bool `json:"started"`
	// Booted is the boot id of the host when the module was last started.
	Booted string `json:"booted,omitempty"`
}

// factsFile keeps the durable facts. The loop owns it.
type factsFile struct {
	file *store.File[durable]
	err  error // why the last write failed; the automaton's promises are void then
}

func openFacts(dir string) factsFile {
	return factsFile{file: store.Open[durable](filepath.Join(dir, "state.json"))}
}

func (f *factsFile) load() (durable, error) {
	d, err := f.file.Load()
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return durable{}, fmt.Errorf("what the module remembers cannot be read: %w", err)
	}
	if d.Settings == nil {
		d.Settings = map[string]bool{}
	}
	return d, nil
}

// save makes the facts durable before it returns.
func (f *factsFile) save(d durable) {
	if err := f.file.Save(d); err != nil {
		f.err = fmt.Errorf("what the module must remember cannot be written: %w", err)
	}
}

func (f *factsFile) failure() error { return f.err }

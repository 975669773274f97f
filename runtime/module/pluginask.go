package module

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/sirupsen/logrus"

	"github.com/safehold/safehold/plugins/api"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/pluginhost"
	"github.com/safehold/safehold/safefmt/userconfig"
)

// How long a plugin may take when it is asked at configuration time: to shake
// hands, in all, and to end afterwards.
const (
	askStart = 20 * time.Second
	askLimit = 30 * time.Second
	askGrace = 2 * time.Second
)

// maxWords bounds what is shown of a plugin's own words, bytes.
const maxWords = 2 << 10

// question is one checker plugin and the check it is to perform.
type question struct {
	module ha.ModuleName
	check  userconfig.CustomCheck
	path   string // of the executable, where it is now
	sum    string
	bin    string // the staged bin folder
}

// PluginCheck is what a checker plugin is asked to do for a <custom
// kind="plugin">. kind is the first that the plugin offers.
func PluginCheck(c userconfig.CustomCheck, kind string) api.Check {
	return api.Check{
		Resource: ha.Resource{Class: "custom", ID: c.Ident}, Kind: kind,
		Attrs: map[string]string{"arg": c.Arg}, Interval: c.Interval, Timeout: c.Timeout,
	}
}

// FirstKind is the kind of check that a plugin offers first.
func FirstKind(ctx context.Context, c api.Checker) (string, error) {
	kinds, err := c.Kinds(ctx)
	if err != nil {
		return "", fmt.Errorf("ask for the kinds of check: %w", err)
	}
	if len(kinds) == 0 {
		return "", errors.New("it offers no kind of check")
	}
	return kinds[0], nil
}

// ask starts the plugin once, has it judge its check and ends it again. What a
// refused plugin wrote is shown.
func (s *Store) ask(ctx context.Context, q question, out Output) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	said := &pluginWords{}
	log := logrus.New()
	log.SetOutput(said)
	log.SetFormatter(said)
	host, err := pluginhost.New(pluginhost.Config{
		Log:       log,
		SocketDir: filepath.Join(s.paths.Run(), "ask"),
		Checksums: map[string]string{q.path: q.sum},
		Env:       append(s.paths.ModuleEnv(q.module), "SAFEUSERBIN="+q.bin),
		Timing:    pluginhost.Timing{Start: askStart, Grace: askGrace},
	})
	if err != nil {
		return err
	}
	verdict := fmt.Errorf("no answer within %v", askLimit)
	// Both run on Serve's goroutine, and there is nothing else to do meanwhile.
	plugin := host.Checker(pluginhost.Plugin{Name: filepath.Base(q.path), Path: q.path}, pluginhost.Events[api.Checker]{
		OnUp:   func(run context.Context, c api.Checker) { verdict = q.judge(run, c); cancel() },
		OnDown: func(reason error) { verdict = reason; cancel() },
	})
	if err := plugin.Serve(ctx); err != nil {
		return err
	}
	if verdict != nil {
		fmt.Fprint(out.Text, said)
		return errors.New(shown(verdict.Error()))
	}
	return nil
}

// judge asks the running plugin.
func (q question) judge(ctx context.Context, c api.Checker) error {
	info, err := c.Info(ctx)
	if errors.Is(err, api.ErrUnsupported) || err == nil && info.Kind != api.KindChecker {
		return errors.New("it is a plugin, but not a checker")
	}
	if err != nil {
		return fmt.Errorf("ask who it is: %w", err)
	}
	kind, err := FirstKind(ctx, c)
	if err != nil {
		return err
	}
	return c.Validate(ctx, PluginCheck(q.check, kind))
}

// pluginWords keeps the first lines that a plugin writes.
type pluginWords struct {
	mu   sync.Mutex // guards everything below
	text strings.Builder
}

// Format gives the line as people read it.
func (w *pluginWords) Format(e *logrus.Entry) ([]byte, error) {
	return []byte(shown(fmt.Sprintf("%v: %s", e.Data["plugin"], e.Message)) + "\n"), nil
}

// Write keeps a line.
func (w *pluginWords) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text.Len()+len(line) <= maxWords {
		w.text.Write(line)
	}
	return len(line), nil
}

func (w *pluginWords) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// shown makes foreign text fit for a terminal: bounded, on one line.
func shown(s string) string {
	if len(s) > maxWords {
		s = s[:maxWords] + "…"
	}
	return strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }), " ")
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/safehold/safehold/runtime/control"
	"github.com/safehold/safehold/runtime/ha"
	"github.com/safehold/safehold/runtime/module"
)

// messages are the texts of known keys; an argument stands for each %s.
var messages = map[string]string{
	"RFS_STOP_PROC": "Processes using %s get the signal %s: %s",
}

// levels by the words published scripts use.
var levels = map[string]ha.Level{
	"CRITICAL": ha.Critical, "EVENT": ha.Event, "ERROR": ha.Event, "USER": ha.User, "SCRIPT": ha.Script,
	"INFO": ha.Info, "WARNING": ha.Warning, "DEBUG": ha.Debug,
}

// logMessage writes a message of the catalogue into the log of SAFEMODULE.
func logMessage(ctx context.Context, a *App, args []string) (int, error) {
	if len(args) < 3 {
		return 0, errors.New("want ORIGIN LEVEL KEY [ARGUMENT…]")
	}
	m, err := module.ParseName(a.Getenv("SAFEMODULE"))
	if err != nil {
		return 0, fmt.Errorf("SAFEMODULE: %w", err)
	}
	level, ok := levels[strings.ToUpper(args[1])]
	if !ok {
		return 0, fmt.Errorf("unknown level %q: want CRITICAL, EVENT, ERROR, WARNING, INFO or DEBUG", args[1])
	}
	return 0, a.say(ctx, m, control.Say{Origin: args[0], Level: level, Text: message(args[2], args[3:])})
}

// message fills the text of a key in; an unknown key is shown with its arguments.
func message(key string, args []string) string {
	text, ok := messages[key]
	if !ok || strings.Count(text, "%s") != len(args) {
		return strings.TrimSpace(key + " " + strings.Join(args, " "))
	}
	var b strings.Builder
	for _, arg := range args {
		before, after, _ := strings.Cut(text, "%s")
		b.WriteString(before + arg)
		text = after
	}
	return b.String() + text
}
